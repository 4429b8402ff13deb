"""Keys of the REST API: hashed at rest, shown once."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.models.owned import Owned
from portal.models.people import Role


def everything() -> list[str]:
    """Return the scopes of a key that nobody limited."""
    return ["write"]


class APIKey(Owned):
    """A bearer key of one organization. Only its SHA-256 and its first characters are kept.

    It may do what its role may, as far as its scopes reach. A test key starts calls
    that are carried by the simulator and cost nothing.
    """

    class Mode(models.TextChoices):
        LIVE = "live", _("Live")
        TEST = "test", _("Test")

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=24)
    digest = models.CharField(max_length=64, unique=True)
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.LIVE)
    role = models.CharField(max_length=10, choices=Role, default=Role.ADMIN)
    scopes = ArrayField(models.CharField(max_length=40), default=everything)
    networks = ArrayField(models.CharField(max_length=50), default=list)
    # Pages that may join the browser calls it starts; empty: any that has the token.
    origins = ArrayField(models.CharField(max_length=200), default=list)
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    last_used_from = models.CharField(max_length=45, blank=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    # The key that takes its place; this one works until `expires_at`.
    replaced_by = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def is_test(self) -> bool:
        return self.mode == self.Mode.TEST

    @property
    def hex_id(self) -> str:
        """The id as a page names an element by it."""
        return self.pk.hex

    def may_come_from(self, address: str) -> bool:
        """Whether a request from this address may use the key."""
        if not self.networks:
            return True
        try:
            here = ip_address(address)
        except ValueError:
            return False
        return any(here in ip_network(network) for network in self.networks)
