"""The pages of the room, side by side."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

register = template.Library()

_SECTIONS = (
    ("campaign_list", _("Campaigns")),
    ("campaign_compare", _("Compare")),
    ("saved_list_list", _("Saved lists")),
    ("suppression_list", _("Do not call")),
    ("calling_limits", _("Limits")),
)


@register.simple_tag
def campaign_sections(current: str) -> list[dict[str, Any]]:
    """Return the pages about all campaigns as tabs; `current` is a page's name."""
    return [
        {"label": label, "url": reverse(name), "is_current": name == current}
        for name, label in _SECTIONS
    ]
