"""What a caller was asked before anything was recorded, and what they answered."""

from __future__ import annotations

import hashlib
import json

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned


class RecordingConsent(Owned):
    """The one question and answer of a call, kept as proof; written once, never changed.

    `digest` is over every other field, so a row that was altered shows it.
    """

    class Answer(models.TextChoices):
        GIVEN = "given", _("Agreed")
        DECLINED = "declined", _("Declined")
        NONE = "none", _("No answer")

    class Way(models.TextChoices):
        DIGIT = "digit", _("By a digit")
        SPEECH = "speech", _("Spoken")

    call = models.OneToOneField(
        "calls.Call", on_delete=models.CASCADE, related_name="consent"
    )
    question = models.TextField()
    language = models.CharField(max_length=16)
    asked_count = models.PositiveSmallIntegerField()
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=8, choices=Answer)
    way = models.CharField(max_length=6, choices=Way, blank=True)
    heard = models.CharField(max_length=40, blank=True)  # the digit or the word
    answered_at = models.DateTimeField()
    digest = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer="none") | ~models.Q(way=""),
                name="consent_says_how_it_was_given",
            )
        ]

    def computed_digest(self) -> str:
        """Return SHA-256 over what the row says, in one canonical form."""
        said = [
            str(self.call_id),
            self.question,
            self.language,
            self.asked_count,
            self.asked_at.isoformat(),
            self.answer,
            self.way,
            self.heard,
            self.answered_at.isoformat(),
        ]
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_intact(self) -> bool:
        return self.digest == self.computed_digest()
