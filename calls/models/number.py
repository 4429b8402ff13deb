"""Phone numbers that reach an assistant."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class PhoneNumber(Owned):
    """A number in E.164, registered once on the installation, carried by one carrier."""

    number = models.CharField(_("number"), max_length=16, unique=True)
    name = models.CharField(_("name"), max_length=80, blank=True)
    carrier = models.CharField(max_length=20, default="simulator")
    assistant = models.ForeignKey(
        "assistants.Assistant",
        on_delete=models.SET_NULL,
        null=True,
        related_name="numbers",
    )
    # The way calls come in and go out; none: the carrier's own.
    trunk = models.ForeignKey(
        "calls.Trunk", on_delete=models.PROTECT, null=True, related_name="numbers"
    )
    # The way transferred callers go out; none: `trunk`.
    transfer_trunk = models.ForeignKey(
        "calls.Trunk",
        on_delete=models.PROTECT,
        null=True,
        related_name="transfer_numbers",
    )
    # What a caller hears who cannot be helped; empty: the carrier is told, free of charge.
    busy_message = models.CharField(max_length=300, blank=True)
    closed_message = models.CharField(max_length=300, blank=True)
    suspended_message = models.CharField(max_length=300, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        # Whoever chooses one has to see what people will see.
        return f"{self.name} · {self.number}" if self.name else self.number
