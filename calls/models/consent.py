"""What a caller was asked before anything was recorded, and what they answered."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Attested


class RecordingConsent(Attested):
    """The one question and answer of a call, kept as proof; written once, never changed."""

    attested = (
        "call_id",
        "question",
        "language",
        "asked_count",
        "asked_at",
        "answer",
        "way",
        "heard",
        "answered_at",
    )

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

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer="none") | ~models.Q(way=""),
                name="consent_says_how_it_was_given",
            )
        ]
