"""Telnyx over its call control and media streams: no SIP trunk, only the account.

wire      messages and events: pure
carrier   calls made and taken
probe     does the key let us in
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from calls.telephony.on_use import OnUse
from calls.telephony.protocol import BadTrunk, CarrierSpec, TrunkConfig


def check(config: TrunkConfig) -> None:
    """Raise `BadTrunk` for an account that cannot be one."""
    if not config.settings.get("username"):
        raise BadTrunk("username", "The user name is the connection's id.")
    if not config.secrets.get("password"):
        raise BadTrunk("password", "The password is the account's API key.")


SPEC = CarrierSpec(
    name="telnyx",
    label=_("Telnyx (API and media streams)"),
    factory=OnUse("calls.telephony.telnyx.carrier.TelnyxCarrier"),
    check=check,
    probe=OnUse("calls.telephony.telnyx.probe.probe"),
    places={"us": "non_eu", "eu": "eu"},
    takes_calls=True,
)

__all__ = ["SPEC", "check"]
