"""What an organization allows its campaigns, over all of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.models.owned import ScopedManager


class CallingLimits(Owned):
    """Limits over all campaigns of an organization; one row each, or the defaults.

    An agency's `max_calls_of_clients` counts the calls of all its clients together.
    """

    person_max_a_day = models.PositiveSmallIntegerField(
        _("calls to one person in 24 hours"), null=True, blank=True, default=5
    )
    person_gap_s = models.PositiveIntegerField(
        _("seconds between two calls to one person"), default=0
    )
    reserved_percent = models.PositiveSmallIntegerField(
        _("share of the lines kept for other calls, in percent"), default=20
    )
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    max_calls_of_clients = models.PositiveIntegerField(
        _("calls of all clients at once"), null=True, blank=True
    )

    objects: ClassVar[ScopedManager[CallingLimits]] = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="limits_once"),
            models.CheckConstraint(
                condition=models.Q(
                    reserved_percent__lte=90, weight__gte=1, weight__lte=100
                ),
                name="limits_make_sense",
            ),
        ]
