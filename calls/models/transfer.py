"""A caller handed on to a person: what was tried, and how it went."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealableTextField


class Transfer(Owned):
    """One try to hand a caller on. A try that fails leaves the caller with the assistant."""

    class Kind(models.TextChoices):
        BLIND = "blind", _("Handed on at once")
        WARM = "warm", _("Announced to the person first")

    class Status(models.TextChoices):
        ASKED = "asked", _("Asked for")
        RINGING = "ringing", _("Ringing")
        BRIEFING = "briefing", _("Announcing")
        BRIDGED = "bridged", _("Connected")
        DONE = "done", _("Completed")
        FAILED = "failed", _("Did not work")

    OPEN: ClassVar[tuple[str, ...]] = (Status.ASKED, Status.RINGING, Status.BRIEFING)
    # With a line of our own to the person; while the call lives, it is a trunk's channel.
    ON_A_LINE: ClassVar[tuple[str, ...]] = (
        Status.RINGING,
        Status.BRIEFING,
        Status.BRIDGED,
    )

    call = models.ForeignKey(
        "calls.Call", on_delete=models.CASCADE, related_name="transfers"
    )
    # Where the person is dialled; none while nobody is, and where no trunk is needed.
    trunk = models.ForeignKey(
        "calls.Trunk", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.BLIND)
    destination = models.CharField(max_length=260)
    # What the person was told of the caller: content of the call.
    brief = SealableTextField(blank=True)
    asked_by = models.CharField(max_length=10)  # assistant, api or person
    method = models.CharField(max_length=6, blank=True)  # refer or bridge
    status = models.CharField(max_length=8, choices=Status, default=Status.ASKED)
    reason = models.CharField(max_length=20, blank=True)  # of `calls.transfers.Failure`
    detail = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    bridged_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["asked_at", "pk"]
        indexes = [models.Index(fields=["call", "asked_at"], name="transfer_by_call")]
