"""Twilio over its API and media streams: no SIP trunk, only the account.

wire      messages and TwiML: pure
carrier   calls made and taken
probe     does the account let us in
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from calls.telephony.on_use import OnUse
from calls.telephony.protocol import BadTrunk, CarrierSpec, TrunkConfig


def check(config: TrunkConfig) -> None:
    """Raise `BadTrunk` for an account that cannot be one."""
    if not str(config.settings.get("username", "")).startswith("AC"):
        raise BadTrunk("username", "The user name is the Account SID, AC….")
    if not config.secrets.get("password"):
        raise BadTrunk("password", "The password is the account's auth token.")


SPEC = CarrierSpec(
    name="twilio",
    label=_("Twilio (API and media streams)"),
    factory=OnUse("calls.telephony.twilio.carrier.TwilioCarrier"),
    check=check,
    probe=OnUse("calls.telephony.twilio.probe.probe"),
    places={"us": "non_eu", "eu": "eu"},
    takes_calls=True,
)

__all__ = ["SPEC", "check"]
