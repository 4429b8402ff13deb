"""People who are kept to be called again: a list that several campaigns may use."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.campaign import Campaign
from campaigns.models.lead import Lead
from portal.models import Owned
from portal.models.owned import ScopedManager


class SavedList(Owned):
    """A named list. `people_count` is kept by `campaigns.services.lists` alone."""

    name = models.CharField(_("name"), max_length=120)
    people_count = models.PositiveIntegerField(default=0)
    made_from = models.ForeignKey(
        Campaign, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[ScopedManager[SavedList]] = ScopedManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="saved_list_name_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class SavedPerson(Owned):
    """Somebody of a list: what a lead is made from, and nothing of what became of it."""

    saved_list = models.ForeignKey(
        SavedList, on_delete=models.CASCADE, related_name="people", db_index=False
    )
    phone_number = models.CharField(max_length=16)
    name = models.CharField(max_length=120, blank=True)
    variables = models.JSONField(default=dict)
    # As of `Lead.locality`: never removed, so not checked.
    locality = models.ForeignKey(
        "campaigns.LocalityRow",
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    consent_basis = models.CharField(
        max_length=10, choices=Lead.ConsentBasis, blank=True
    )
    consent_proof = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    objects: ClassVar[ScopedManager[SavedPerson]] = ScopedManager()

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["saved_list", "phone_number"], name="saved_person_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "phone_number"], name="saved_person_by_number"
            )
        ]
