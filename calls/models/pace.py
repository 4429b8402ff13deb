"""How fast calls start on a way out that has no trunk of its own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class TrunkPace(models.Model):
    """What the operator allows a trunk, and the first moment that is still free.

    `trunk` is a trunk's id, or a carrier's name where it needs no trunk. The moments of
    a `Trunk` are counted in its own row; then this one only adds limits.
    """

    trunk = models.CharField(max_length=64, primary_key=True)
    starts_per_s = models.FloatField(_("starts a second"), null=True, blank=True)
    starts_per_5s = models.FloatField(
        _("starts in five seconds"), null=True, blank=True
    )
    max_calls = models.PositiveIntegerField(_("calls at once"), null=True, blank=True)
    reserved_percent = models.PositiveSmallIntegerField(
        _("share kept for other calls than campaigns', in percent"), default=0
    )
    next_start_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["trunk"]
        verbose_name = _("pace of a trunk")
        verbose_name_plural = _("pace of trunks")
        constraints = [
            models.CheckConstraint(
                condition=(
                    models.Q(starts_per_s__isnull=True)
                    | models.Q(starts_per_s__gt=0, starts_per_s__lte=1000)
                )
                & (
                    models.Q(starts_per_5s__isnull=True)
                    | models.Q(starts_per_5s__gt=0, starts_per_5s__lte=5000)
                )
                & models.Q(reserved_percent__lte=90),
                name="trunk_pace",
            )
        ]

    def __str__(self) -> str:
        return self.trunk
