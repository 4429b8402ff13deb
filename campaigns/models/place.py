"""What belongs to no organization: places, and the operator's legal hours."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.legal import LegalRule
from campaigns.locality import Locality, ZoneSource
from common.ids import uuid7
from common.windows import BadWindow, Week


class LocalityRow(models.Model):
    """One `Locality`; leads of all organizations refer to it. Never changed or removed."""

    country = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=8, blank=True)
    zones = models.TextField(blank=True)  # joined by commas
    source = models.CharField(max_length=8)

    class Meta:
        db_table = "campaigns_locality"
        constraints = [
            models.UniqueConstraint(
                fields=["country", "state", "zones", "source"], name="locality_once"
            )
        ]

    @property
    def value(self) -> Locality:
        zones = tuple(self.zones.split(",")) if self.zones else ()
        return Locality(self.country, self.state, zones, ZoneSource(self.source))


def check_hours(value: object) -> None:
    """Refuse hours that cannot be read."""
    try:
        Week.parse(value)
    except BadWindow as error:
        raise ValidationError(str(error)) from error


class LegalVersion(models.Model):
    """All rules as they were in force at some time; written once, never changed.

    Decision records name a version, so what held when somebody was called can be read.
    """

    version = models.CharField(max_length=12, primary_key=True)
    rules = models.JSONField()
    changed = models.CharField(max_length=300, blank=True)  # such as "new NL"
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.version


class LegalHours(models.Model):
    """The operator's own rule for a country or state; it goes before the shipped one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    country = models.CharField(
        _("country"), max_length=2, help_text=_("Such as NL; * is everywhere else.")
    )
    state = models.CharField(
        _("state"), max_length=3, blank=True, help_text=_("Empty: the whole country.")
    )
    hours = models.JSONField(
        _("hours"),
        default=dict,
        validators=[check_hours],
        help_text=_('Local time, such as {"mon-fri": ["09:00-20:00"]}.'),
    )
    is_closed_on_holidays = models.BooleanField(_("closed on holidays"), default=False)
    max_a_day = models.PositiveSmallIntegerField(
        _("calls to one person in 24 hours"), null=True, blank=True
    )
    needs_consent = models.BooleanField(_("needs consent"), default=True)
    source = models.CharField(_("source"), max_length=300, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["country", "state"]
        verbose_name = _("legal hours")
        verbose_name_plural = _("legal hours")
        constraints = [
            models.UniqueConstraint(
                fields=["country", "state"], name="legal_hours_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.country}-{self.state}" if self.state else self.country

    @property
    def rule(self) -> LegalRule:
        return LegalRule(
            country=self.country,
            state=self.state,
            week=Week.parse(self.hours),
            closed_on_holidays=self.is_closed_on_holidays,
            max_a_day=self.max_a_day,
            needs_consent=self.needs_consent,
            source=self.source,
        )
