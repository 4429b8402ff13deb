"""Limits against fraud, and the switch that stops calls at once."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from calls.destinations import DestinationRules
from common.ids import uuid7
from portal.models import Owned


class CallGuard(Owned):
    """What an organization may call and how fast it may spend; one row or none.

    A row without numbers leaves the installation's own defaults in force.
    """

    countries = models.JSONField(_("countries"), default=list, blank=True)
    blocked_prefixes = models.JSONField(_("blocked prefixes"), default=list, blank=True)
    allows_premium = models.BooleanField(_("premium numbers"), default=False)
    hourly_microcredits = models.BigIntegerField(
        _("credits an hour"), null=True, blank=True
    )
    daily_microcredits = models.BigIntegerField(
        _("credits a day"), null=True, blank=True
    )
    first_day_calls = models.PositiveIntegerField(
        _("calls on the first day"), null=True, blank=True
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="guard_once"),
            models.CheckConstraint(
                condition=models.Q(hourly_microcredits__isnull=True)
                | models.Q(hourly_microcredits__gt=0),
                name="guard_hourly_above_zero",
            ),
            models.CheckConstraint(
                condition=models.Q(daily_microcredits__isnull=True)
                | models.Q(daily_microcredits__gt=0),
                name="guard_daily_above_zero",
            ),
        ]

    def rules(self) -> DestinationRules:
        """Return what may be called, as plain rules."""
        return DestinationRules(
            frozenset(self.countries),
            frozenset(self.blocked_prefixes),
            self.allows_premium,
        )


class Halt(models.Model):
    """Calls are stopped until somebody lifts it: one organization, or everybody.

    An agency's halt stops its clients' calls too. Infrastructure: it is read before an
    organization is in scope.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "portal.Organization",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
    )
    reason = models.CharField(max_length=200)
    started_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(auto_now_add=True)
    lifted_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(lifted_at__isnull=True),
                nulls_distinct=False,
                name="halt_one_at_a_time",
            )
        ]
