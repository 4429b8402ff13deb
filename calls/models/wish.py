"""What a person asked for in a call: not to be called again, or to be called later."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.models.owned import ScopedManager


class CallWish(Owned):
    """One wish; `applied_at` says when it took effect. A lost hint is found by that."""

    class Kind(models.TextChoices):
        DO_NOT_CALL = "do_not_call", _("Not to be called again")
        CALL_BACK = "call_back", _("To be called back")

    class Way(models.TextChoices):
        SPEECH = "speech", _("Spoken")
        DIGIT = "digit", _("By a key")

    call = models.ForeignKey(
        "calls.Call", on_delete=models.CASCADE, related_name="wishes"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    way = models.CharField(max_length=6, choices=Way)
    call_back_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True)

    objects: ClassVar[ScopedManager[CallWish]] = ScopedManager()

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=models.Q(applied_at__isnull=True),
                name="wish_not_applied",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(kind="call_back")
                | models.Q(call_back_at__isnull=False),
                name="wish_says_when",
            )
        ]
