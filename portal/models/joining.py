"""Ways in: invitations to an organization, and strangers who sign up."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models.owned import Owned
from portal.models.people import Role


class Invitation(Owned):
    """A place in an organization offered to a mail address; works once, for a while.

    Only the digest of its link is kept.
    """

    email = models.EmailField(_("email address"))
    role = models.CharField(max_length=10, choices=Role)
    assistant_ids = models.JSONField(null=True, default=None)
    campaign_ids = models.JSONField(null=True, default=None)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField()
    sent_count = models.PositiveSmallIntegerField(default=1)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                "organization",
                models.functions.Lower("email"),
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_open_once",
            )
        ]

    def __str__(self) -> str:
        return self.email


class SignUpRequest(Owned):
    """A stranger who asks a portal for an account; owned by the agency.

    Kept until the address was confirmed and, where the agency wants that, approved.
    """

    class Status(models.TextChoices):
        UNCONFIRMED = "unconfirmed", _("Address not confirmed")
        WAITING = "waiting", _("Waiting for you")
        OPENED = "opened", _("Opened")
        DECLINED = "declined", _("Declined")

    email = models.EmailField(_("email address"))
    name = models.CharField(_("name"), max_length=120)
    company = models.CharField(_("company"), max_length=120)
    language = models.CharField(max_length=8, blank=True)
    status = models.CharField(max_length=12, choices=Status, default=Status.UNCONFIRMED)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    client = models.ForeignKey(
        "portal.Organization", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.company
