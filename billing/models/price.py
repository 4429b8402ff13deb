"""What a minute of a call costs, by the date it takes effect."""

from __future__ import annotations

from django.db import models

from portal.models import Owned


class Price(Owned):
    """A price per minute that its payer's calls are charged from `effective_at` on.

    The owner is the agency that sets it. `client` empty: for every client of it.
    """

    client = models.ForeignKey(
        "portal.Organization",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
    )
    microcredits_per_minute = models.BigIntegerField()
    effective_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-effective_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(microcredits_per_minute__gte=0),
                name="price_not_negative",
            )
        ]
