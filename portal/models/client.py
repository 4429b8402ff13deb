"""What an agency keeps about its clients, for itself."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.owned import Owned
from portal.sealed import SealedTextField


class ClientNote(Owned):
    """A remark about a client that only the agency reads; owned by the agency."""

    client = models.ForeignKey(
        "portal.Organization", on_delete=models.CASCADE, related_name="+"
    )
    text = models.TextField(_("note"), max_length=4000)
    author = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.text[:60]


class SignInApp(Owned):
    """An agency's own application at a provider of social sign-in.

    With it, the provider's page shows the agency's name. Owned by the agency.
    """

    class Provider(models.TextChoices):
        GOOGLE = "google", "Google"
        GITHUB = "github", "GitHub"
        MICROSOFT = "microsoft", "Microsoft"

    provider = models.CharField(max_length=10, choices=Provider)
    client_id = models.CharField(_("client ID"), max_length=200)
    secret = SealedTextField()
    hint = models.CharField(max_length=8, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "provider"], name="sign_in_app_once"
            )
        ]

    def __str__(self) -> str:
        return self.provider
