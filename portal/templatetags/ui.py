"""The tags and filters every template has: icons, form fields, cards, numbers.

Built in (see `TEMPLATES` in the settings): no `{% load %}` is needed. Markup lives in
`templates/components/`; here is only what a template cannot do for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms, template
from django.core.paginator import Page
from django.forms.boundfield import BoundField
from django.template.context import Context
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from common.color import on_color
from common.local_numbers import local_credits, local_number
from common.money import round_credits
from portal import charts
from portal.statuses import StatusLook, status_look

register = template.Library()


# --- icons ----------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """Draw an icon of the sprite; hidden from screen readers unless it has a label."""
    address = f"{static('icons/sprite.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" data-size="{}" role="img" aria-label="{}">'
            '<use href="{}"></use></svg>',
            size,
            label,
            address,
        )
    return format_html(
        '<svg class="icon" data-size="{}" aria-hidden="true" focusable="false">'
        '<use href="{}"></use></svg>',
        size,
        address,
    )


# --- forms ----------------------------------------------------------------------------
def _kind(widget: forms.Widget) -> str:
    kinds: list[tuple[type[forms.Widget], str]] = [
        (forms.RadioSelect, "choices"),
        (forms.CheckboxSelectMultiple, "choices"),
        (forms.CheckboxInput, "checkbox"),
        (forms.Textarea, "textarea"),
        (forms.Select, "select"),
        (forms.FileInput, "file"),
    ]
    for widget_class, kind in kinds:
        if isinstance(widget, widget_class):
            return kind
    return getattr(widget, "input_type", "text") or "text"


@register.simple_tag
def field(
    bound: BoundField,
    label: str = "",
    help: str = "",
    prefix: str = "",
    suffix: str = "",
    optional: bool = True,
    **attrs: Any,
) -> SafeString:
    """Draw one form control with its label, help and errors, wired together.

    Other keywords become attributes of the control, `_` as `-`: `hx_get="…"`.
    `optional=False` leaves out the word "Optional" behind the label.
    """
    kind = _kind(bound.field.widget)
    if bound.is_hidden:
        return SafeString(bound.as_widget())
    help_text = help or bound.help_text
    described_by = [
        f"{bound.auto_id}_{part}"
        for part, is_there in (
            ("suffix", suffix),
            ("helptext", help_text),
            ("error", bound.errors),
        )
        if is_there
    ]
    extra: dict[str, Any] = {
        name.replace("_", "-"): value for name, value in attrs.items()
    }
    own_class = bound.field.widget.attrs.get("class", "")
    if kind != "choices":
        extra["class"] = f"field__control {own_class}".strip()
        if described_by:
            extra["aria-describedby"] = " ".join(described_by)
    return render_to_string(
        "components/field.html",
        {
            "field": bound,
            "control": bound.as_widget(attrs=extra),
            "kind": kind,
            "label": label or bound.label,
            "help": help_text,
            "prefix": prefix,
            "suffix": suffix,
            "described_by": " ".join(described_by),
            "is_optional": optional and not bound.field.required and kind != "checkbox",
        },
    )


@register.simple_tag
def form_errors(form: forms.BaseForm) -> SafeString:
    """Draw what is wrong with a form as a whole; nothing when all is well."""
    errors = list(form.non_field_errors())
    for bound in form.hidden_fields():
        errors += [f"{bound.label}: {error}" for error in bound.errors]
    return render_to_string(
        "components/form_errors.html",
        {"errors": errors, "field_count": sum(1 for f in form if f.errors)},
    )


@register.simple_tag
def form_fields(form: forms.BaseForm) -> SafeString:
    """Draw every field of a form in its own order, errors of the whole first."""
    parts = [form_errors(form)]
    parts += [field(bound) for bound in form]
    return SafeString("".join(parts))


# --- pages ----------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def block_again(context: Context, name: str) -> SafeString:
    """Draw a block a second time: the page's title is its tab's and its heading's."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks is not None else None
    return SafeString(block.render(context).strip() if block is not None else "")


# --- block components -----------------------------------------------------------------
@register.simple_block_tag(takes_context=True)
def card(
    context: Context,
    content: str,
    title: str = "",
    subtitle: str = "",
    icon: str = "",
    link_url: str = "",
    link_label: str = "",
    tone: str = "",
    id: str = "",
    flush: bool = False,
) -> SafeString:
    """Frame a group of content under a title; `flush` drops the padding (tables)."""
    return render_to_string(
        "components/card.html",
        {
            "content": content,
            "title": title,
            "subtitle": subtitle,
            "icon": icon,
            "link_url": link_url,
            "link_label": link_label,
            "tone": tone,
            "id": id,
            "flush": flush,
        },
    )


@register.simple_block_tag(takes_context=True)
def dialog(
    context: Context,
    content: str,
    id: str,
    title: str,
    text: str = "",
    size: str = "",
) -> SafeString:
    """A modal dialog, opened by a button with `data-opens="<id>"`."""
    return render_to_string(
        "components/dialog.html",
        {"content": content, "id": id, "title": title, "text": text, "size": size},
    )


@register.simple_block_tag(takes_context=True)
def data_table(
    context: Context,
    content: str,
    caption: str,
    id: str = "",
    show_caption: bool = False,
    is_matrix: bool = False,
) -> SafeString:
    """A table that becomes a list of cards where it is narrow, or a tighter matrix."""
    return render_to_string(
        "components/data_table.html",
        {
            "content": content,
            "caption": caption,
            "id": id,
            "show_caption": show_caption,
            "is_matrix": is_matrix,
        },
    )


@register.simple_block_tag(takes_context=True)
def menu(
    context: Context, content: str, label: str, icon: str = "more", text: str = ""
) -> SafeString:
    """A button that unfolds a list of links and buttons."""
    return render_to_string(
        "components/menu.html",
        {"content": content, "label": label, "icon": icon, "text": text},
    )


# --- charts ---------------------------------------------------------------------------
@register.simple_tag
def sparkline(values: Sequence[float], label: str = "") -> SafeString:
    """A small line of numbers, oldest first; `label` says it in words."""
    return render_to_string(
        "components/sparkline.html",
        {"label": label, "line": charts.line(list(values), 120, 32)},
    )


@register.simple_tag
def bar_chart(rows: Sequence[dict[str, Any]], label: str) -> SafeString:
    """Upright bars from `{"label", "value"}` rows, with the numbers as a table."""
    return render_to_string(
        "components/bar_chart.html",
        {"label": label, "chart": charts.bars(list(rows), 180)},
    )


@register.simple_tag
def ranking(rows: Sequence[dict[str, Any]], label: str) -> SafeString:
    """Lying bars from `{"label", "value"}` rows, for kinds rather than days."""
    return render_to_string(
        "components/ranking.html", {"label": label, "rows": charts.ranked(list(rows))}
    )


@register.simple_tag
def latency_bar(timing: Any, scale_ms: int = 0) -> SafeString:
    """The parts of one wait, stacked; `timing` has `response_ms` and the parts."""
    return render_to_string(
        "components/latency_bar.html", {"bar": charts.latency(timing, scale_ms)}
    )


@register.simple_tag
def funnel(steps: Sequence[dict[str, Any]], label: str) -> SafeString:
    """Steps of `{"label", "value"}` where each keeps a part of the one before."""
    return render_to_string(
        "components/funnel.html", {"label": label, "steps": charts.funnel(list(steps))}
    )


@register.simple_tag
def interval_chart(rows: Sequence[dict[str, Any]], label: str) -> SafeString:
    """Shares of `{"label", "percent", "low", "high"}` with the spans they likely lie in."""
    return render_to_string(
        "components/interval_chart.html",
        {"label": label, "chart": charts.intervals(list(rows))},
    )


# --- filters --------------------------------------------------------------------------
@register.filter
def look(status: object) -> StatusLook:
    """How to show a status: `label`, `tone` and `icon`."""
    return status_look(status)


@register.filter
def credits(microcredits: int | None) -> str:
    """Microcredits as credits: 140000 is "0.14", in Dutch and German "0,14"."""
    return "" if microcredits is None else local_credits(microcredits)


@register.filter
def credits_rounded(microcredits: int | None) -> str:
    """Credits with two decimals, for lists and tiles; never for a bill."""
    return "" if microcredits is None else local_number(round_credits(microcredits))


@register.filter
def clock(duration_ms: int | None) -> str:
    """Milliseconds as a moment of a call: 65400 is "1:05"."""
    if duration_ms is None:
        return ""
    seconds = duration_ms // 1000
    return f"{seconds // 60}:{seconds % 60:02d}"


@register.filter
def clock_tenths(duration_ms: int | None) -> str:
    """Milliseconds as the player shows them, which people seek in: "1:05.4"."""
    if duration_ms is None:
        return ""
    return f"{clock(duration_ms)}.{duration_ms // 100 % 10}"


@register.filter
def duration(duration_ms: int | None) -> str:
    """Milliseconds as people say them: "8 s", "2 min 05 s", "1 h 02 min"."""
    if duration_ms is None:
        return ""
    seconds = round(duration_ms / 1000)
    if seconds < 60:
        return _("%(seconds)d s") % {"seconds": seconds}
    if seconds < 3600:
        return _("%(minutes)d min %(seconds)02d s") % {
            "minutes": seconds // 60,
            "seconds": seconds % 60,
        }
    return _("%(hours)d h %(minutes)02d min") % {
        "hours": seconds // 3600,
        "minutes": seconds % 3600 // 60,
    }


@register.filter
def milliseconds(value: int | None) -> str:
    """A wait: "910 ms"."""
    return "" if value is None else _("%(number)d ms") % {"number": value}


@register.filter
def ink_on(background: str) -> str:
    """White or black, whichever reads better on a colour; for mails."""
    return on_color(background)


@register.filter
def initials(name: object) -> str:
    """The first letters of the first and last word: "Ada King Lovelace" is "AL"."""
    words = [word for word in str(name).replace("@", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


@register.filter
def unlocalized(value: object) -> str:
    """A number as machines write it, in any language: for attributes."""
    return "" if value is None else str(value)


@register.filter
def add_number(value: float, other: float) -> float:
    """A sum of numbers that may have decimals."""
    return value + other


@register.filter
def page_numbers(page: Page[Any]) -> list[int | None]:
    """Page numbers to offer; `None` stands for a gap."""
    elided = page.paginator.get_elided_page_range(page.number, on_each_side=1)
    return [number if isinstance(number, int) else None for number in elided]
