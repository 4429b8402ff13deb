"""How many calls an organization has, without counting them."""

from __future__ import annotations

from django.db import models

from portal.models import Owned


class CallCount(Owned):
    """Kept by the database itself, with every statement that adds or deletes calls."""

    total = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], name="call_count_once_an_organization"
            )
        ]
