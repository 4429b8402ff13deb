"""Telnyx over its call control and media streams: no SIP trunk, only the account.

wire      messages and events: pure
carrier   calls made and taken
probe     does the key let us in
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from calls.telephony.protocol import (
    BadTrunk,
    Carrier,
    CarrierSetup,
    CarrierSpec,
    ProbeStep,
    TrunkConfig,
)


def check(config: TrunkConfig) -> None:
    """Raise `BadTrunk` for an account that cannot be one."""
    if not config.settings.get("username"):
        raise BadTrunk("username", "The user name is the connection's id.")
    if not config.secrets.get("password"):
        raise BadTrunk("password", "The password is the account's API key.")


# The vendor's client takes more than a second to import: only who calls by it does.
def _open(setup: CarrierSetup) -> Carrier:
    from calls.telephony.telnyx.carrier import TelnyxCarrier

    return TelnyxCarrier(setup)


async def _probe(config: TrunkConfig) -> tuple[ProbeStep, ...]:
    from calls.telephony.telnyx.probe import probe

    return await probe(config)


SPEC = CarrierSpec(
    name="telnyx",
    label=_("Telnyx (API and media streams)"),
    factory=_open,
    check=check,
    probe=_probe,
    takes_calls=True,
)

__all__ = ["SPEC"]
