"""Somebody from outside working in an organization, with its knowledge."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.owned import Owned


class Visit(Owned):
    """An agency's member or the operator's staff inside a client's portal.

    Says why, ends by itself, reads only unless it was opened for writing, and stays
    readable for the client afterwards.
    """

    class Kind(models.TextChoices):
        AGENCY = "agency", _("Agency")
        STAFF = "staff", _("Operator’s staff")

    kind = models.CharField(max_length=6, choices=Kind)
    visitor = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    visitor_name = models.CharField(max_length=120)
    reason = models.CharField(_("reason"), max_length=300)
    may_write = models.BooleanField(_("may change things"), default=False)
    started_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Digest of the ticket with which staff come from the operator's host.
    ticket = models.CharField(max_length=64, blank=True, editable=False)

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["organization", "-started_at"], name="visit_by_host")
        ]

    def __str__(self) -> str:
        return f"{self.visitor_name}: {self.reason}"
