"""What was said, and what else happened, in the order of the call."""

from __future__ import annotations

import json
from typing import Any, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealableTextField


class Turn(Owned):
    """One side speaking once. Offsets count from the moment the audio connected."""

    class Speaker(models.TextChoices):
        USER = "user", _("Caller")
        ASSISTANT = "assistant", _("Assistant")

    call = models.ForeignKey(
        "calls.Call", on_delete=models.CASCADE, related_name="turns"
    )
    index = models.PositiveIntegerField()
    speaker = models.CharField(max_length=10, choices=Speaker)
    text = SealableTextField()
    started_ms = models.PositiveIntegerField()
    ended_ms = models.PositiveIntegerField()
    is_interrupted = models.BooleanField(default=False)
    response_ms = models.PositiveIntegerField(null=True)
    endpointing_ms = models.PositiveIntegerField(null=True)
    stt_ms = models.PositiveIntegerField(null=True)
    llm_ms = models.PositiveIntegerField(null=True)
    tts_ms = models.PositiveIntegerField(null=True)
    transport_ms = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["started_ms", "index"]
        constraints = [
            models.UniqueConstraint(fields=["call", "index"], name="turn_index_once")
        ]


class CallEvent(Owned):
    """A status change, tool call or vendor trouble of a call."""

    CONTENT: Final = ("arguments", "result", "message")

    call = models.ForeignKey(
        "calls.Call", on_delete=models.CASCADE, related_name="events"
    )
    kind = models.CharField(max_length=30)
    at = models.DateTimeField()
    at_ms = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)
    # What a tool or a person was told, and what a tool answered, where content is kept
    # sealed; else it is in `data`.
    content_json = SealableTextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["call", "at"], name="event_by_call")]

    @property
    def whole(self) -> dict[str, Any]:
        """The data with what was sealed of it, opened here."""
        content = json.loads(self.content_json) if self.content_json else {}
        return {**self.data, **content}
