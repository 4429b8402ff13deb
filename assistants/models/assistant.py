"""A configured assistant; what it was at each moment stands in its versions."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from assistants.spec import AssistantSpec
from portal.models import Owned


class Assistant(Owned):
    """Something that answers calls. Deleting hides it; calls keep the version they used."""

    name = models.CharField(_("name"), max_length=120)
    is_active = models.BooleanField(default=True)
    current_version = models.ForeignKey(
        "assistants.AssistantVersion",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)
    # What somebody works on; calls do not see it until it is published.
    draft_json = models.JSONField(null=True)
    draft_at = models.DateTimeField(null=True)
    draft_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    # The number of the version that the draft began from.
    draft_base = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["name", "pk"]
        indexes = [
            models.Index(
                fields=["organization", "name"],
                condition=models.Q(deleted_at__isnull=True),
                name="assistant_by_name",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_draft(self) -> bool:
        return self.draft_json is not None

    @property
    def is_draft_overtaken(self) -> bool:
        """Whether a version was published after the draft had begun, so that it is not in it."""
        return (
            self.has_draft
            and self.current_version is not None
            and self.draft_base not in (None, self.current_version.number)
        )


class AssistantVersion(Owned):
    """An assistant as it was saved once. Never edited."""

    assistant = models.ForeignKey(
        Assistant, on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField()
    spec_json = models.JSONField()
    # The shape `spec_json` was written in, by name; empty for what is older than names.
    shape = models.CharField(max_length=16, blank=True)
    restored_from = models.PositiveIntegerField(null=True)  # a version's number
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["assistant", "number"], name="version_number_once"
            )
        ]

    @property
    def spec(self) -> AssistantSpec:
        return AssistantSpec.model_validate(self.spec_json)
