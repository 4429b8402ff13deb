"""Trunks: an organization's own way to the telephone network."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.models import Owned
from portal.sealed import SealedTextField


class Trunk(Owned):
    """A connection to a carrier: where it is, how we sign in, and what it allows.

    The password is sealed and no answer, page or log ever shows it; `password_hint`
    tells people which one is kept.
    """

    class Transport(models.TextChoices):
        UDP = "udp", "UDP"
        TCP = "tcp", "TCP"
        TLS = "tls", "TLS"

    class CallerId(models.TextChoices):
        NUMBER = "number", _("The number the call is made from")
        OUTBOUND = "outbound", _("Always the trunk's own number")

    class NumberFormat(models.TextChoices):
        PLUS = "plus", "+31201234567"
        DIGITS = "digits", "31201234567"
        NATIONAL = "national", "0201234567"

    class DataRegion(models.TextChoices):
        US = "us", _("United States")
        EU = "eu", _("European Union")

    USUAL_PORTS: ClassVar[dict[str, int]] = {"udp": 5060, "tcp": 5060, "tls": 5061}

    name = models.CharField(_("name"), max_length=80)
    provider = models.CharField(max_length=40, default="other")
    carrier = models.CharField(max_length=20, default="sip")

    # Empty for a carrier that is reached over its own API.
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(null=True)  # none: from DNS, else the usual one
    transport = models.CharField(max_length=3, choices=Transport, default=Transport.UDP)
    outbound_host = models.CharField(max_length=260, blank=True)
    # Of a carrier that is reached over its own API, where it computes in several.
    data_region = models.CharField(
        max_length=4, choices=DataRegion, default=DataRegion.US
    )
    auth_username = models.CharField(max_length=120, blank=True)
    auth_password = SealedTextField(blank=True)
    # What the carrier signs its events with, where it has a key of its own.
    public_key = models.CharField(max_length=120, blank=True)
    password_hint = models.CharField(max_length=8, blank=True)
    registers = models.BooleanField(default=False)
    # Addresses and networks calls come in from, beside the host's own.
    inbound_addresses = models.JSONField(default=list)

    # In the order we offer them; none: all we have, those of telephones first.
    codecs = models.JSONField(default=list)
    srtp = models.BooleanField(default=False)  # audio is encrypted, or there is no call
    domain = models.CharField(max_length=253, blank=True)  # of our address; none: host
    register_expires_s = models.PositiveIntegerField(default=600)
    options_every_s = models.PositiveIntegerField(default=60)  # 0: never asked

    outbound_number = models.CharField(max_length=16, blank=True)
    caller_id = models.CharField(
        max_length=8, choices=CallerId, default=CallerId.NUMBER
    )
    number_format = models.CharField(
        max_length=8, choices=NumberFormat, default=NumberFormat.PLUS
    )
    max_channels = models.PositiveIntegerField(default=10)
    calls_per_second = models.PositiveIntegerField(default=1)
    # When the next call may start: `calls.services.pace` moves it on.
    next_start_at = models.DateTimeField(null=True)

    is_active = models.BooleanField(default=True)
    # What the last connection test saw; see `calls.services.trunk_checks`.
    check_result = models.JSONField(default=dict)
    check_asked_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(port__isnull=True) | Q(port__range=(1, 65535)),
                name="trunk_port_is_one",
            ),
            models.CheckConstraint(
                condition=Q(max_channels__gte=1) & Q(calls_per_second__gte=1),
                name="trunk_allows_calls",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """Host and, where one was given, port: `sip.example.com:5080`."""
        if not self.port:
            return self.host
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def target(self) -> str:
        """Where calls out go."""
        return self.outbound_host or self.address

    @property
    def is_tested(self) -> bool:
        """Whether the last test of the connection, as it is set up now, went well."""
        return bool(self.check_result.get("is_ok"))


# Changing one of these makes what a connection test saw out of date.
TESTED_FIELDS: Final = frozenset(
    {
        "host",
        "port",
        "transport",
        "outbound_host",
        "data_region",
        "auth_username",
        "auth_password",
        "public_key",
        "registers",
        "carrier",
        "codecs",
        "srtp",
        "domain",
    }
)


def tested_values(trunk: Trunk) -> dict[str, Any]:
    """Return what a connection test depends on; for telling a change."""
    return {name: getattr(trunk, name) for name in TESTED_FIELDS}
