"""What every template knows: brand, theme, organization, navigation, rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.brand import Brand
from portal.models import Organization, User
from portal.permissions import Permission

THEME_COOKIE = "theme"


@dataclass(frozen=True)
class NavItem:
    """A link of the main navigation."""

    label: str | Promise
    url: str
    icon: str
    is_current: bool
    group: str | Promise


@dataclass(frozen=True)
class OrganizationLink:
    """An organization the person can go to."""

    name: str
    url: str
    is_current: bool
    kind: str | Promise


# Label, URL name, icon, group, the right that shows it.
_NAV: tuple[tuple[Any, str, str, Any, Permission | None], ...] = (
    (_("Overview"), "dashboard", "dashboard", "", None),
    (_("Assistants"), "assistant_list", "assistant", "", Permission.ASSISTANTS_READ),
    (_("Library"), "tool_template_list", "book", "", Permission.ASSISTANTS_READ),
    (_("Numbers"), "number_list", "hash", "", Permission.ASSISTANTS_READ),
    (_("Calls"), "call_list", "phone", "", Permission.CALLS_READ),
    (_("Campaigns"), "campaign_list", "campaign", "", Permission.CAMPAIGNS_READ),
    (_("Credits"), "billing_statement", "wallet", "", Permission.BILLING_READ),
    (_("Cockpit"), "cockpit", "chart", _("Agency"), Permission.CLIENTS_READ),
    (_("Clients"), "client_list", "building", _("Agency"), Permission.CLIENTS_READ),
    (_("Selling"), "selling_prices", "coins", _("Agency"), Permission.BILLING_SELL),
    (_("Brand"), "brand_edit", "palette", _("Agency"), Permission.BRAND_EDIT),
    (_("Domains"), "domain_list", "globe", _("Agency"), Permission.DOMAINS_EDIT),
    (_("Mail"), "mail_edit", "mail", _("Agency"), Permission.MAIL_EDIT),
    (_("Team"), "member_list", "users", _("Settings"), Permission.MEMBERS_READ),
    (_("Sign-in"), "sign_in_edit", "lock", _("Settings"), Permission.ORGANIZATION_EDIT),
    (_("Audit log"), "audit_list", "book", _("Settings"), Permission.AUDIT_READ),
    (_("API keys"), "api_key_list", "key", _("Settings"), Permission.API_KEYS_EDIT),
    (_("Webhooks"), "webhook_list", "webhook", _("Settings"), Permission.WEBHOOKS_EDIT),
    (
        _("Provider keys"),
        "provider_key_list",
        "zap",
        _("Settings"),
        Permission.PROVIDER_KEYS_EDIT,
    ),
    (_("Privacy"), "privacy_edit", "shield", _("Settings"), Permission.PRIVACY_READ),
)


def portal(request: HttpRequest) -> dict[str, Any]:
    """The context processor; costs no query."""
    theme = theme_of(request)
    context: dict[str, Any] = {
        "portal": getattr(request, "portal", None),
        "brand": Brand.of(getattr(request, "portal", None)),
        "theme": theme,
        "languages": settings.LANGUAGES,
        "membership": getattr(request, "membership", None),
        "wants_second_factor": getattr(request, "wants_second_factor", False),
    }
    if context["membership"] is None:
        return context
    held: frozenset[Permission] = request.permissions  # type: ignore[attr-defined]
    context["visit"] = getattr(request, "visit", None)
    return context | {
        "organization": request.organization,  # type: ignore[attr-defined]
        "organizations": list(_organization_links(request)),
        "rights": {p.value.replace(":", "_"): p in held for p in Permission},
        "nav": _nav(request.path, held, context["brand"]),
    }


def theme_of(request: HttpRequest) -> str:
    """Return the person's choice, else the browser's cookie, else the system's."""
    user = getattr(request, "user", None)
    if isinstance(user, User):
        return user.theme
    choice = request.COOKIES.get(THEME_COOKIE, "")
    return choice if choice in User.Theme.values else User.Theme.SYSTEM


def _nav(path: str, held: frozenset[Permission], brand: Brand) -> list[NavItem]:
    items = []
    for label, name, icon, group, right in _NAV:
        if right is not None and right not in held:
            continue
        url = reverse(name, urlconf=settings.ROOT_URLCONF)
        is_current = path == url or (url != "/" and path.startswith(url))
        items.append(NavItem(label, url, icon, is_current, group))
    for page in brand.menu:
        url = page.url
        if page.is_framed:
            url = reverse("menu_page", args=[page.key], urlconf=settings.ROOT_URLCONF)
        icon = "file" if page.is_framed else "external"
        items.append(NavItem(page.label, url, icon, path == url, _("More")))
    return items


def _organization_links(request: Any) -> list[OrganizationLink]:
    shown: list[Organization] = list(request.organizations)
    if request.organization not in shown:
        shown.append(request.organization)
    return [
        OrganizationLink(
            name=organization.name,
            url=reverse("switch_organization", args=[organization.pk]),
            is_current=organization == request.organization,
            kind=_("Agency") if organization.is_agency else _("Client"),
        )
        for organization in shown
    ]
