"""The names of the checks in a decision, as people read them."""

from __future__ import annotations

from typing import Final

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.models import Lead

register = template.Library()

CHECKS: Final[dict[str, str | Promise]] = {
    "attempts": _("Attempts"),
    "caller_id": _("Number to call from"),
    "campaign_hours": _("Hours of the campaign"),
    "consent": _("Consent"),
    "credit": _("Credits"),
    "daily_cap": _("Calls to this person"),
    "legal_hours": _("Hours the law sets"),
    "lists": _("Lists of numbers not to be called"),
    "pace": _("Pace"),
    "person": _("Calls to this person"),
    "time_zone": _("Time zone"),
    "voice": _("Voice line"),
    **{str(reason.value): reason.label for reason in Lead.SkipReason},
}


@register.filter
def check_name(check: str) -> str:
    """Return the label of a check; one without stays as it was recorded."""
    return str(CHECKS.get(check, check))
