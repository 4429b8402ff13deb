"""An agency's own domain for its portal."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7


class PortalDomain(models.Model):
    """A domain a portal claims, and how far the claim has come.

        pending_dns ─▶ verified ─▶ issued ─▶ live ◀─▶ expiring
             ▲                         ╲       │
             │                          ╲▶ broken
             └── claim lapses            released ─▶ gone after a delay

    Claims are free: several portals may claim a name, and who proves it by its TXT
    record has it. Not scoped: it is found by its host, before anybody is known.
    """

    class Status(models.TextChoices):
        PENDING_DNS = "pending_dns", _("Waiting for DNS")
        VERIFIED = "verified", _("Verified")
        ISSUED = "issued", _("Certificate issued")
        LIVE = "live", _("Live")
        EXPIRING = "expiring", _("Certificate expires soon")
        BROKEN = "broken", _("Broken")
        RELEASED = "released", _("Released")

    # Those whose owner was proven: nobody else gets the name meanwhile.
    PROVEN = (
        Status.VERIFIED,
        Status.ISSUED,
        Status.LIVE,
        Status.EXPIRING,
        Status.BROKEN,
        Status.RELEASED,
    )
    # Those at which the portal answers and a certificate may be asked for.
    SERVED = (
        Status.VERIFIED,
        Status.ISSUED,
        Status.LIVE,
        Status.EXPIRING,
        Status.BROKEN,
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    portal = models.ForeignKey(
        "portal.Portal", on_delete=models.CASCADE, related_name="domains"
    )
    name = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    status = models.CharField(max_length=12, choices=Status, default=Status.PENDING_DNS)
    problem = models.CharField(max_length=40, blank=True)
    certificate_ends_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    check_due_at = models.DateTimeField()
    failures = models.PositiveSmallIntegerField(default=0)
    verified_at = models.DateTimeField(null=True)
    released_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                condition=~Q(status="pending_dns"),
                name="domain_proven_once",
            ),
            models.UniqueConstraint(
                fields=["portal", "name"], name="domain_claimed_once"
            ),
        ]
        indexes = [models.Index(fields=["check_due_at"], name="domain_due")]

    def __str__(self) -> str:
        return self.name
