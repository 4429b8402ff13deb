"""Counters of the rate limits."""

from __future__ import annotations

from django.db import models


class RateCount(models.Model):
    """How often a subject came in the current window. Unlogged: a crash may forget it."""

    subject = models.CharField(primary_key=True, max_length=80)
    window_at = models.BigIntegerField()
    count = models.PositiveIntegerField()
