"""Answers kept so that a repeated request happens once."""

from __future__ import annotations

from django.db import models

from portal.models.owned import Owned


class IdempotentAnswer(Owned):
    """The answer to one `Idempotency-Key` of one API key.

    The row and what the request did commit together. The answer is sealed with the
    API key itself, since it may hold a secret that is shown once.
    """

    api_key = models.ForeignKey(
        "portal.APIKey", on_delete=models.CASCADE, related_name="+"
    )
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    sealed_body = models.BinaryField(default=b"")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "key"], name="idempotency_key_once"
            )
        ]
        indexes = [models.Index(fields=["api_key", "created_at"], name="answer_by_age")]
