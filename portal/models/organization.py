"""Organizations: agencies, and the clients below them."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from portal.scope import require_scope


class OrganizationManager(models.Manager["Organization"]):
    """Give only the organizations of the active scope."""

    def get_queryset(self) -> models.QuerySet[Organization]:
        scope = require_scope()
        rows = super().get_queryset()
        if scope.is_everything:
            return rows
        if scope.organization_id is not None:
            return rows.filter(pk=scope.organization_id)
        return rows.filter(Q(pk=scope.agency_id) | Q(parent_id=scope.agency_id))


class Organization(models.Model):
    """An agency (no parent) or a client of one; the owner of everything else."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        ARCHIVED = "archived", _("Archived")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="clients"
    )
    name = models.CharField(_("name"), max_length=120)
    status = models.CharField(max_length=12, choices=Status, default=Status.ACTIVE)
    max_concurrent_calls = models.PositiveIntegerField(_("calls at once"), default=10)
    # What an agency allows its client; empty: as much as it likes.
    max_minutes_per_month = models.PositiveIntegerField(
        _("minutes a month"), null=True, blank=True
    )
    max_assistants = models.PositiveIntegerField(_("assistants"), null=True, blank=True)
    max_numbers = models.PositiveIntegerField(_("numbers"), null=True, blank=True)
    max_members = models.PositiveIntegerField(_("people"), null=True, blank=True)
    api_rate_per_minute = models.PositiveIntegerField(
        _("API requests a minute"), null=True, blank=True
    )
    # Names of `portal.features.Feature` that are switched off.
    features_off = models.JSONField(default=list, blank=True)
    requires_second_factor = models.BooleanField(
        _("everybody needs a second factor"), default=False
    )
    # Set when its deletion was asked for; it happens then and can be called off before.
    delete_at = models.DateTimeField(null=True, editable=False)
    time_zone = models.CharField(max_length=64, default="Europe/Amsterdam")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[OrganizationManager] = OrganizationManager()

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            models.Index(fields=["parent", "name"], name="organization_by_parent")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=models.F("id")),
                name="organization_not_own_parent",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_agency(self) -> bool:
        return self.parent_id is None

    @property
    def agency_id(self) -> UUID:
        """The agency at the top: the parent, or this organization itself."""
        return self.parent_id or self.pk
