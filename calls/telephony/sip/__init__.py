"""The SIP carrier: our own user agent, beside the calls it carries.

reading, sdp, digest, framing   wire formats: pure
transport, transactions         what RFC 3261 does with time
agent, dialog, replies          whose message it is, and what it gets
leg, outgoing, incoming         one call; reoffers, info: what is asked in it
carrier                         the trunks, and the `Carrier` protocol
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from calls.telephony.on_use import OnUse
from calls.telephony.protocol import CarrierSpec

SPEC = CarrierSpec(
    name="sip",
    label=_("SIP trunk"),
    factory=OnUse("calls.telephony.sip.opening.from_settings"),
    check=OnUse("calls.telephony.sip.trunk.check"),
    probe=OnUse("calls.telephony.sip.probe.probe"),
    takes_calls=True,
)

__all__ = ["SPEC"]
