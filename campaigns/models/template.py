"""A campaign's settings, ready for the next one."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.models.owned import ScopedManager


class CampaignTemplate(Owned):
    """What a new campaign may start from: everything but its people and its number."""

    name = models.CharField(_("name"), max_length=120)
    assistant = models.ForeignKey(
        "assistants.Assistant", on_delete=models.CASCADE, related_name="+"
    )
    # Fields of `Campaign`, as JSON takes them.
    settings = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[ScopedManager[CampaignTemplate]] = ScopedManager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name
