"""A button on somebody's own site that starts a call with an assistant."""

from __future__ import annotations

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class Widget(Owned):
    """The one button of an assistant: which sites may show it, and how much it may start.

    Its id stands in the code of those sites and is no secret: a browser draws it only
    inside the sites named here, and whoever starts calls is counted.
    """

    MOST_CALLS: Final = 10_000  # that either limit may allow

    assistant = models.OneToOneField(
        "assistants.Assistant", on_delete=models.CASCADE, related_name="+"
    )
    title = models.CharField(_("title"), max_length=60)
    note = models.CharField(_("note"), max_length=200, blank=True)
    sites = models.JSONField(_("sites"), default=list)
    is_active = models.BooleanField(_("active"), default=True)
    max_live_calls = models.PositiveSmallIntegerField(_("calls at once"), default=2)
    max_calls_per_day = models.PositiveIntegerField(_("calls a day"), default=100)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(max_live_calls__gt=0, max_calls_per_day__gt=0),
                name="widget_limits_above_zero",
            )
        ]
