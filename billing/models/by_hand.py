"""Credits that people give, move or correct by hand, and when two of them must agree."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.journal import LedgerEntry
from portal.models import Owned


class GrantRule(Owned):
    """Above how many credits an agency's people need a second owner."""

    approval_above_microcredits = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="grant_rule_once")
        ]


class GrantRequest(Owned):
    """Credits somebody wants to give that wait for a second person.

    waiting ──approve──▶ approved     by another person, who made the entry
       ╰─────refuse────▶ refused      by anybody with the right, the asker too

    It belongs to the agency: a client does not see what is only thought of.
    """

    class Way(models.TextChoices):
        GIVE = "give", _("Given")
        MOVE = "move", _("Moved from the pool")
        CORRECT = "correct", _("Correction")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")

    receiver = models.ForeignKey(
        "portal.Organization", on_delete=models.CASCADE, related_name="+"
    )
    way = models.CharField(max_length=8, choices=Way)
    amount_microcredits = models.BigIntegerField()
    memo = models.CharField(max_length=200)
    expires_at = models.DateTimeField(null=True)
    corrects = models.ForeignKey(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="+"
    )
    key = models.CharField(max_length=64)
    # The operator's staff decides about what its staff asked for, an agency about its own.
    is_operators = models.BooleanField(default=False)
    asked_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    asked_with = models.CharField(max_length=80, blank=True)  # the API key, if by one
    asked_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    entry = models.ForeignKey(
        LedgerEntry, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["receiver", "key"], name="grant_request_once"
            ),
            models.CheckConstraint(
                condition=Q(amount_microcredits__gt=0) | Q(way="correct"),
                name="grant_request_gives_something",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization"],
                condition=Q(state="waiting"),
                name="grant_request_waiting",
            )
        ]
