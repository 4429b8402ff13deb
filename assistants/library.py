"""The library: what assistants are put together from, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext as _

from assistants.models import AnalysisTemplate, ToolTemplate
from assistants.starters import Starter, Starters, spoken, starters
from assistants.templates import Kept, delete_template, search_templates
from portal.http import MemberRequest

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


def language_of_starters(request: HttpRequest, otherwise: str = "") -> str:
    """Return the language starters are read and copied in.

    It is what was chosen on the page, else `otherwise`, else the language of the page.
    """
    chosen = request.POST.get("language") or request.GET.get("language", "")
    return spoken(chosen, otherwise, get_language() or "")


def starters_for(request: HttpRequest, otherwise: str = "") -> Starters:
    """Return what comes with the product in that language."""
    return starters(language_of_starters(request, otherwise))


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
    kind: type[Kept],
    ours: tuple[Starter, ...],
) -> HttpResponse:
    """Return the list of one kind of template, with those that come with the product."""
    context = _found(request, kind, ours, language_of_starters(request)) | {
        "shelf": shelf,
        "tabs": library_tabs(request),
    }
    return render(request, "assistants/template_list.html", context)


def _found(
    request: HttpRequest, kind: type[Kept], ours: tuple[Starter, ...], language: str
) -> dict[str, Any]:
    words = search_words(request)
    rows = search_templates(kind, words)
    return {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "starters": fitting(ours, words),
        "words": words,
        "language": language,
        "languages": settings.LANGUAGES,
    }


def copied(
    request: HttpRequest, template: ToolTemplate | AnalysisTemplate, said: str
) -> HttpResponse:
    """Say what is to be done with a copy, and open it."""
    messages.success(request, said)
    return redirect(f"{_word_of(template)}_edit", template.pk)


def deleted(
    request: MemberRequest, template: ToolTemplate | AnalysisTemplate
) -> HttpResponse:
    """Delete a template, and show what is left on its shelf."""
    name, word = template.name, _word_of(template)
    delete_template(template=template, actor=request.user)
    messages.success(request, _("%(name)s was deleted.") % {"name": name})
    return redirect(f"{word}_list")


def _word_of(template: ToolTemplate | AnalysisTemplate) -> str:
    is_tool = isinstance(template, ToolTemplate)
    return "tool_template" if is_tool else "analysis_template"


def starter_of(rows: tuple[Starter, ...], slug: str) -> Starter:
    """Return one by its name in addresses; 404 for another."""
    for row in rows:
        if row.slug == slug:
            return row
    raise Http404


def insertable(
    request: HttpRequest, kind: type[Kept], *, speaks: str
) -> dict[str, Any]:
    """Return what the page shows that inserts one kind into an assistant.

    What comes with the product is shown in the language that the assistant speaks.
    """
    language = language_of_starters(request, speaks)
    is_tool = kind is ToolTemplate
    offered = starters(language)
    word = "tool" if is_tool else "analysis"
    return _found(
        request, kind, offered.tools if is_tool else offered.analyses, language
    ) | {
        "library": {
            "icon": "tool" if is_tool else "chart",
            "page": f"assistant_{word}_library",
            "insert": f"assistant_{word}_insert",
            "insert_starter": f"assistant_{word}_insert_starter",
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
