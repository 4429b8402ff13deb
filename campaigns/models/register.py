"""External registers of numbers not to be called, and what they answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.level import Levelled
from portal.models.owned import ScopedManager
from portal.sealed import SealedTextField


class Register(Levelled):
    """A service that is asked about numbers before they are called."""

    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(_("address"), max_length=500)
    secret = SealedTextField(blank=True, owner="owner")
    countries = models.JSONField(default=list)  # ISO 3166; empty is every country
    fresh_for_h = models.PositiveSmallIntegerField(default=24)
    # How it is: since when it has been silent, and when it is asked again.
    asked_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=200, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                nulls_distinct=False,
                name="register_name_once",
            ),
            models.CheckConstraint(
                condition=models.Q(fresh_for_h__gte=1, fresh_for_h__lte=744),
                name="register_answers_age",
            ),
        ]

    @property
    def owner(self) -> str:
        """Whom its secret is sealed for."""
        return str(self.organization_id or "operator")

    @property
    def fresh_for(self) -> timedelta:
        return timedelta(hours=self.fresh_for_h)

    def covers(self, country: str) -> bool:
        """Whether it has to be asked about numbers of a country."""
        return not self.countries or country in self.countries

    def is_silent(self, now: datetime) -> bool:
        """Whether it did not answer and is not asked again yet."""
        return self.retry_at is not None and self.retry_at > now


class RegisterAnswer(models.Model):
    """What a register said of a number, the last time it was asked."""

    organization = models.ForeignKey(
        "portal.Organization", on_delete=models.CASCADE, null=True, related_name="+"
    )
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        editable=False,
    )
    register = models.ForeignKey(
        Register, on_delete=models.CASCADE, related_name="answers", db_index=False
    )
    phone_number = models.CharField(max_length=16)
    is_listed = models.BooleanField()
    asked_at = models.DateTimeField()

    objects: ClassVar[ScopedManager[RegisterAnswer]] = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["phone_number", "register"], name="register_answer_once"
            )
        ]
        indexes = [models.Index(fields=["asked_at"], name="register_answer_age")]
