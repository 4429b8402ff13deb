"""The SIP carrier: our own user agent, beside the calls it carries.

reading, sdp, digest, framing   wire formats: pure
transport, transactions         what RFC 3261 does with time
agent, dialog                   whose message it is
leg, outgoing, incoming         one call
carrier                         the trunks, and the `Carrier` protocol
"""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from calls.media.rtp_ports import RtpPorts
from calls.telephony.protocol import (
    CarrierSetup,
    CarrierSpec,
)
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.probe import probe
from calls.telephony.sip.transport import Listening
from calls.telephony.sip.trunk import check


def from_settings(setup: CarrierSetup) -> SipCarrier:
    """Return this process's SIP carrier as the operator set it up."""
    return SipCarrier(
        listening_from_settings(),
        RtpPorts(settings.RTP_FIRST_PORT, settings.RTP_LAST_PORT),
        receptionist=setup.receptionist,
    )


def listening_from_settings() -> Listening:
    return Listening(
        host=settings.SIP_HOST,
        port=settings.SIP_PORT,
        tls_port=settings.SIP_TLS_PORT or None,
        tls_certificate=settings.SIP_TLS_CERTIFICATE,
        tls_key=settings.SIP_TLS_KEY,
        public_address=settings.SIP_PUBLIC_ADDRESS,
    )


SPEC = CarrierSpec(
    name="sip",
    label=_("SIP trunk"),
    factory=from_settings,
    check=check,
    probe=probe,
    takes_calls=True,
)

__all__ = ["SPEC", "SipCarrier", "from_settings"]
