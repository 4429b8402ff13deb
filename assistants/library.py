"""The library: what assistants are put together from, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from assistants.starters import Starter

PAGE_SIZE: Final = 25


def library_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the tabs that every page of the library carries."""
    pages = (
        (_("Tools"), "tool_template_list"),
        (_("Analyses"), "analysis_template_list"),
        (_("MCP servers"), "mcp_server_list"),
    )
    return [
        {
            "label": label,
            "url": reverse(name),
            "is_current": request.path == reverse(name),
        }
        for label, name in pages
    ]


def search_words(request: HttpRequest) -> str:
    """Return what is searched for; empty for everything."""
    return request.GET.get("q", "").strip()[:100]


def fitting(rows: tuple[Starter, ...], words: str) -> list[Starter]:
    """Return what comes with the product and has these words."""
    lowered = words.lower()
    return [
        row
        for row in rows
        if lowered in row.name.lower() or lowered in row.description.lower()
    ]


def shelf_page(
    request: HttpRequest,
    shelf: Shelf,
    rows: QuerySet[Any],
    ours: tuple[Starter, ...],
) -> HttpResponse:
    """Return the list of one kind of template, with those that come with the product."""
    words = search_words(request)
    context = {
        "shelf": shelf,
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "starters": fitting(ours, words),
        "words": words,
        "tabs": library_tabs(request),
    }
    return render(request, "assistants/template_list.html", context)


def starter_of(rows: tuple[Starter, ...], slug: str) -> Starter:
    """Return one by its name in addresses; 404 for another."""
    for row in rows:
        if row.slug == slug:
            return row
    raise Http404


def insertable(
    request: HttpRequest,
    *,
    kind: str,
    icon: str,
    search: Callable[[str], QuerySet[Any]],
    offered: tuple[Starter, ...],
) -> dict[str, Any]:
    """Return what the page shows that inserts one kind into an assistant."""
    words = search_words(request)
    return {
        "page": Paginator(search(words), PAGE_SIZE).get_page(request.GET.get("page")),
        "starters": fitting(offered, words),
        "words": words,
        "library": {
            "icon": icon,
            "page": f"assistant_{kind}_library",
            "insert": f"assistant_{kind}_insert",
            "insert_starter": f"assistant_{kind}_insert_starter",
        },
    }


@dataclass(frozen=True)
class Shelf:
    """What the list of one kind of template says, and where its links lead."""

    title: str
    subtitle: str
    caption: str
    icon: str
    new_label: str
    none_yet: str
    kind: str

    @property
    def list_url(self) -> str:
        return reverse(f"{self.kind}_list")

    @property
    def new_url(self) -> str:
        return reverse(f"{self.kind}_new")

    @property
    def edit_name(self) -> str:
        return f"{self.kind}_edit"

    @property
    def delete_name(self) -> str:
        return f"{self.kind}_delete"

    @property
    def copy_name(self) -> str:
        return f"{self.kind}_copy"


def tool_shelf() -> Shelf:
    """Return the words of the list of tools."""
    return Shelf(
        title=_("Tools"),
        subtitle=_(
            "What your assistants can do in a call: copied in, so changing one here "
            "changes no assistant."
        ),
        caption=_("Tools of your organization"),
        icon="tool",
        new_label=_("New tool"),
        none_yet=_("No tool of your own yet"),
        kind="tool_template",
    )


def analysis_shelf() -> Shelf:
    """Return the words of the list of analyses."""
    return Shelf(
        title=_("Analyses"),
        subtitle=_(
            "What to find out after a call: copied in, so changing one here changes "
            "no assistant."
        ),
        caption=_("Analyses of your organization"),
        icon="chart",
        new_label=_("New analysis"),
        none_yet=_("No analysis of your own yet"),
        kind="analysis_template",
    )
