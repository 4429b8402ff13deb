"""Who must not be called."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models.level import Levelled


class SuppressionEntry(Levelled):
    """A number that is not called, with who said so, why and when."""

    class Source(models.TextChoices):
        """How it came to be on the list."""

        SPEECH = "speech", _("Said so in a call")
        DIGIT = "digit", _("Pressed a key in a call")
        PORTAL = "portal", _("Entered by hand")
        UPLOAD = "upload", _("Uploaded list")
        API = "api", _("API")
        REGISTRY = "registry", _("External register")

    phone_number = models.CharField(_("number"), max_length=16)
    source = models.CharField(_("source"), max_length=10, choices=Source)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    call_id = models.UUIDField(null=True)
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("number not to be called")
        verbose_name_plural = _("numbers not to be called")
        constraints = [
            # The number first: a dial asks for one number in every list.
            models.UniqueConstraint(
                fields=["phone_number", "organization"],
                nulls_distinct=False,
                name="suppressed_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="suppressed_by_list"
            )
        ]
