"""The pictures of a brand."""

from __future__ import annotations

from django.db import models

from common.ids import uuid7


class BrandPicture(models.Model):
    """One picture as it is served: re-encoded or sanitised, bounded in size.

    Not scoped: it is shown before anybody is known, like its portal.
    """

    class Kind(models.TextChoices):
        LOGO_LIGHT = "logo-light"
        LOGO_DARK = "logo-dark"
        ICON = "icon"
        ICON_32 = "icon-32"
        ICON_180 = "icon-180"
        ICON_192 = "icon-192"
        ICON_512 = "icon-512"
        ICON_MASKABLE = "icon-maskable"
        SIGN_IN = "sign-in"
        SOCIAL = "social"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    portal = models.ForeignKey(
        "portal.Portal", on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    content_type = models.CharField(max_length=40)
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portal", "kind"], name="picture_once")
        ]

    def __str__(self) -> str:
        return self.kind
