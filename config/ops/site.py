"""The site: who may enter, and what its pages may see."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _

from config.ops import (
    allowing,
    dialing,
    hand_work,
    legal,
    never_call,
    opening,
    pages,
    registers,
)
from config.ops.base import Shown, list_url
from config.ops.visiting import visit_organization
from config.ops.words import name_fields
from portal.context import NavItem
from portal.scope import all_organizations
from portal.sudo import sudo

if TYPE_CHECKING:
    from django.urls import URLPattern, URLResolver


class OperatorSite(AdminSite):
    """Django admin for the operator's staff.

    Nobody signed in: to the sign-in page of this host. Anyone else but staff: 404.
    """

    site_title = _("Operator console")
    site_header = _("Operator console")
    index_title = _("Overview")
    site_url = None
    enable_nav_sidebar = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._groups: list[tuple[Any, Shown]] = []

    def show(self, group: Any, models: Shown) -> None:
        """Register models under one heading of the navigation."""
        self._groups.append((group, models))
        for model, model_admin in models.items():
            self.register(model, model_admin)
            for shown in (model, *(one.model for one in model_admin.inlines)):
                name_fields(shown)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Guard a view and run it, its lazy template included, with everything visible."""
        guarded = super().admin_view(view, cacheable)

        @wraps(view)
        def entered(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not self.has_permission(request):
                raise Http404
            with all_organizations("the operator's console"):
                response = guarded(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
            return response

        entered.access = "staff"  # type: ignore[attr-defined]  # read by the house test
        return entered

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: list[URLPattern | URLResolver] = [
            path(
                "reconciliation/",
                self.admin_view(self.reconciliation),
                name="reconciliation",
            ),
            path("halt/", self.admin_view(self.halt), name="halt"),
            path(
                "visit/<uuid:organization_id>/",
                self.admin_view(visit_organization),
                name="visit_organization",
            ),
            *self._money_urls(),
            path("agencies/new/", self._page(opening.agency_open), name="agency_open"),
            path(
                "limits/<uuid:organization_id>/",
                self.admin_view(self.limits),
                name="limit_organization",
            ),
            path(
                "halt/lift/",
                self.admin_view(pages.lift_everybodys_halt),
                name="halt_lift",
            ),
            *self._dialer_urls(),
        ]
        # Signing in and out, and passwords, are allauth's, as everywhere.
        theirs = {"login", "logout", "password_change", "password_change_done"}
        stock = [
            entry
            for entry in super().get_urls()
            if getattr(entry, "name", None) not in theirs
        ]
        return own + stock

    def _money_urls(self) -> list[URLPattern | URLResolver]:
        """Pages that move money ask once more who it is."""
        moving: list[tuple[str, str, Any]] = [
            ("platform-prices/", "platform_prices", hand_work.platform_prices),
            ("grants/", "grants", hand_work.grants),
            ("grants/<uuid:organization_id>/", "grant", hand_work.grant),
            ("entries/<uuid:entry_id>/correct/", "correct", hand_work.correct),
        ]
        deciding = path(
            "grants/<uuid:request_id>/<slug:decision>/",
            self.admin_view(sudo(hand_work.decide)),
            name="grant_decide",
        )
        return [
            deciding,
            *(
                path(url, self._page(sudo(view)), name=name)
                for url, name, view in moving
            ),
        ]

    def _dialer_urls(self) -> list[URLPattern | URLResolver]:
        """What campaigns obey on every portal."""
        page = self._page
        return [
            path("legal-hours/", page(legal.legal_hours), name="legal_hours"),
            path("legal-hours/new/", page(legal.legal_rule), name="legal_rule_new"),
            path(
                "legal-hours/versions/<slug:version>/",
                page(legal.legal_version),
                name="legal_version",
            ),
            path(
                "legal-hours/<str:region>/", page(legal.legal_rule), name="legal_rule"
            ),
            path(
                "legal-hours/<str:region>/drop/",
                self.admin_view(legal.legal_rule_drop),
                name="legal_rule_drop",
            ),
            path("dialing/", page(dialing.dialing), name="dialing"),
            path("dialing/pace/<str:trunk>/", page(dialing.pace), name="pace"),
            path(
                "dialing/share/<uuid:organization_id>/",
                page(dialing.share),
                name="share",
            ),
            path("never-call/", page(never_call.never_call), name="never_call"),
            path(
                "never-call/<uuid:entry_id>/remove/",
                self.admin_view(never_call.never_call_remove),
                name="never_call_remove",
            ),
            path("registers/new/", page(registers.register), name="register_new"),
            path(
                "registers/<uuid:register_id>/",
                page(registers.register),
                name="register",
            ),
            path(
                "registers/<uuid:register_id>/try/",
                page(registers.register_try),
                name="register_try",
            ),
            path(
                "registers/<uuid:register_id>/remove/",
                self.admin_view(registers.register_remove),
                name="register_remove",
            ),
        ]

    def _page(self, view: Any) -> Any:
        """Give a page what every page of the console shows around it."""

        @wraps(view)
        def shown(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            found: HttpResponse = view(request, self.each_context(request), **kwargs)
            return found

        return self.admin_view(shown)

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_login")

    def each_context(self, request: Any) -> dict[str, Any]:
        return super().each_context(request) | {"nav": self._nav(request)}

    def get_log_entries(self, request: HttpRequest) -> Any:
        """None: who did what stands in the audit records, which organizations can read."""
        return ()

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        return pages.overview(request, self.each_context(request))

    def reconciliation(self, request: HttpRequest) -> HttpResponse:
        return pages.reconciliation(request, self.each_context(request))

    def halt(self, request: HttpRequest) -> HttpResponse:
        return pages.halt(request, self.each_context(request))

    def limits(self, request: HttpRequest, organization_id: UUID) -> HttpResponse:
        context = self.each_context(request)
        return allowing.limit_organization(request, organization_id, context)

    def app_index(
        self,
        request: HttpRequest,
        app_label: str,
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Everything stands in the navigation."""
        return redirect("admin:index")

    def _nav(self, request: HttpRequest) -> list[NavItem]:
        home = reverse("admin:index")
        items = [NavItem(_("Overview"), home, "dashboard", request.path == home, "")]
        for group, models in self._groups:
            for model, model_admin in models.items():
                url = list_url(model)
                is_current = request.path.startswith(url)
                items.append(
                    NavItem(model_admin.label, url, model_admin.icon, is_current, group)
                )
        guide, books = reverse("styleguide"), reverse("admin:reconciliation")
        halt = reverse("admin:halt")
        for label, name, icon in (
            (_("Legal hours"), "legal_hours", "clock"),
            (_("Pace and shares"), "dialing", "activity"),
            (_("Never call"), "never_call", "shield"),
        ):
            url = reverse(f"admin:{name}")
            is_current = request.path.startswith(url)
            items.append(NavItem(label, url, icon, is_current, _("Dialer")))
        prices, grants = reverse("admin:platform_prices"), reverse("admin:grants")
        return [
            *items,
            NavItem(
                _("Set prices"), prices, "coins", request.path == prices, _("Tools")
            ),
            NavItem(
                _("Credits by hand"),
                grants,
                "wallet",
                request.path.startswith(grants),
                _("Tools"),
            ),
            NavItem(
                _("Reconciliation"),
                books,
                "check-circle",
                request.path == books,
                _("Tools"),
            ),
            NavItem(
                _("Stop calls"),
                halt,
                "stop",
                request.path == halt,
                _("Tools"),
            ),
            NavItem(_("Style guide"), guide, "palette", False, _("Tools")),
        ]
