"""What a call costs, by direction and mode and by the date it takes effect."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from portal.models import Owned


class Direction(models.TextChoices):
    """Which calls a price is for, in the words of `calls.models.Call`."""

    ANY = "", _("Every call")
    INBOUND = "inbound", _("Inbound")
    OUTBOUND = "outbound", _("Outbound")
    WEB = "web", _("Browser")


class Mode(models.TextChoices):
    """Who pays the models' vendors, as far as the price depends on it."""

    ANY = "", _("Every mode")
    OWN_KEY = "own_key", _("Own keys")
    PLATFORM_KEY = "platform_key", _("Keys of the platform")
    REALTIME = "realtime", _("Speech model, all in")


class PriceTerms(models.Model):
    """One version of a price for one direction and mode.

    Of several the most exact counts, and of equally exact ones the latest that has
    taken effect; `is_withdrawn` makes room for the next less exact one from then on.
    """

    direction = models.CharField(
        max_length=10, choices=Direction, default=Direction.ANY, blank=True
    )
    mode = models.CharField(max_length=14, choices=Mode, default=Mode.ANY, blank=True)
    microcredits_per_minute = models.BigIntegerField()
    setup_microcredits = models.BigIntegerField(default=0)
    minimum_seconds = models.PositiveIntegerField(default=0)
    free_minutes = models.PositiveIntegerField(default=0)
    model_cost_percent = models.PositiveIntegerField(default=100)
    is_withdrawn = models.BooleanField(default=False)
    effective_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ["-effective_at", "-pk"]

    @property
    def exactness(self) -> int:
        return 2 * bool(self.direction) + bool(self.mode)


class Price(PriceTerms, Owned):
    """What an agency's clients pay it. `client` empty: every client of the agency."""

    client = models.ForeignKey(
        "portal.Organization",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta(PriceTerms.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(microcredits_per_minute__gte=0)
                & Q(setup_microcredits__gte=0),
                name="price_not_negative",
            )
        ]


class PlatformPrice(PriceTerms):
    """What agencies pay the platform. `agency` empty: every agency.

    Not scoped: the operator sets it and every call reads it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    # A price for every agency stands in no organization's record of changes.
    set_by = models.ForeignKey(
        "portal.User",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("set by"),
    )

    class Meta(PriceTerms.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(microcredits_per_minute__gte=0)
                & Q(setup_microcredits__gte=0),
                name="platform_price_not_negative",
            )
        ]
