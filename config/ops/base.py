"""What every page about a model shares: it reads, it is bounded, it tells no secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from config.ops.words import name_of
from portal.models import Organization, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    _Admin = admin.ModelAdmin[Any]
    _Tabular = admin.TabularInline[Any, Any]
    _Paginator = Paginator[Any]
else:
    _Admin = admin.ModelAdmin
    _Tabular = admin.TabularInline
    _Paginator = Paginator

COUNTED: Final = 10_000
# The end of a word of a name: `api_key`, `X-Api-Key`, `accesstoken`; not `keyterms`.
_SECRET: Final = re.compile(
    r"(?:secret|password|token|authorization|key)(?![a-z])", re.IGNORECASE
)


def person(request: HttpRequest) -> User:
    """Return who acts; the site let nobody else in."""
    user: User | AnonymousUser = request.user
    assert isinstance(user, User)
    return user


class CappedPaginator(_Paginator):
    """Counts no further than `COUNTED` rows; who looks for older ones filters."""

    @cached_property
    def count(self) -> int:
        # An order would be worked out for rows that are only counted.
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by()[:COUNTED].count())
        return len(rows)


class _LooksOnly:
    """Everything may be seen, nothing added, changed or deleted."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_LooksOnly, _Admin):
    """A model that is looked at. `fields` names what is shown; nothing else is."""

    label: Any  # what a list of them is called
    icon: str  # its link's, in the navigation
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # one more count for every choice
    paginator = CappedPaginator
    # Links above a list of them: label, name of the page, icon.
    list_tools: tuple[tuple[Any, str, str], ...] = ()
    searched_id = ""  # the one id a search looks for; empty: `search_fields`

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not self.searched_id:
            return super().get_search_results(request, queryset, search_term)
        if not search_term:
            return queryset, False
        return queryset.filter(**{self.searched_id: as_uuid(search_term)}), False

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> tuple[Any, ...]:
        return tuple(self.fields or ())

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        tools = [
            {"label": label, "url": reverse(name), "icon": icon}
            for label, name, icon in self.list_tools
        ]
        shown = {"title": self.label, "counted": COUNTED, "tools": tools}
        return super().changelist_view(request, shown | (extra_context or {}))

    def tools_of(self, row: Any) -> list[dict[str, Any]]:
        """Return the links above one of them."""
        return []

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        is_named = "__str__" in vars(type(obj))
        kind = capfirst(name_of(self.model))
        context |= {
            "title": obj if is_named else kind,
            "subtitle": kind if is_named else obj.pk,
            "list_label": self.label,
            "list_url": list_url(self.model),
            "tools": self.tools_of(obj),
        }
        return super().render_change_form(request, context, add, change, form_url, obj)


Shown = dict[type[Model], type[ReadOnlyAdmin]]


class ReadOnlyInline(_LooksOnly, _Tabular):
    """Rows that belong to the one that is looked at."""

    template = "ops/inline.html"
    extra = 0
    max_num = 0
    can_delete = False

    def get_readonly_fields(
        self, request: HttpRequest, obj: Any = None
    ) -> tuple[Any, ...]:
        return tuple(self.fields or ())


class AgencyFilter(admin.SimpleListFilter):
    """An agency with all of its clients."""

    title = _("agency")
    parameter_name = "agency"
    path = "agency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        agencies = Organization.objects.filter(parent=None).order_by("name")[:200]
        return [(str(agency.pk), agency.name) for agency in agencies]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        agency = as_uuid(self.value())
        return queryset.filter(**{self.path: agency}) if agency else None


class OrganizationFilter(admin.SimpleListFilter):
    """One organization of the agency that is chosen already."""

    title = _("organization")
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        agency = as_uuid(request.GET.get(AgencyFilter.parameter_name))
        wanted = as_uuid(request.GET.get(self.parameter_name))
        rows = Organization.objects.order_by("name")
        if agency:
            rows = rows.filter(pk=agency) | rows.filter(parent=agency)
        elif wanted:
            rows = rows.filter(pk=wanted)
        else:
            return []
        return [(str(row.pk), row.name) for row in rows[:200]]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> QuerySet[Any] | None:
        organization = as_uuid(self.value())
        return queryset.filter(organization=organization) if organization else None


def as_uuid(text: str | None) -> UUID | None:
    """Read an id from an address; anything else is none."""
    try:
        return UUID(text or "")
    except ValueError:
        return None


def link(row: Model | None, text: object = None) -> SafeString | str:
    """Return a link to a row's page in the console."""
    if row is None:
        return "–"
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    shown = str(row) if text is None else text
    return format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), shown)


def list_url(model: type[Model], **query: object) -> str:
    """Return the address of the list of a model, narrowed by `query`."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return reverse(name, query=query or None)


def list_link(model: type[Model], text: object, **query: object) -> SafeString:
    """Return a link to the list of a model, narrowed."""
    return format_html('<a href="{}">{}</a>', list_url(model, **query), text)


def without_secrets(value: Any) -> Any:
    """Return JSON with every value under a secret's name masked, however deep."""
    if isinstance(value, Mapping):
        return {
            name: "•••"
            if inner and _SECRET.search(str(name))
            else without_secrets(inner)
            for name, inner in value.items()
        }
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [without_secrets(inner) for inner in value]
    return value
