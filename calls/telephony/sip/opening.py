"""This process's SIP carrier, as the operator set it up."""

from __future__ import annotations

from django.conf import settings

from calls.media.rtp_ports import RtpPorts
from calls.permitted import permitted_from_settings
from calls.telephony.protocol import CarrierSetup
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening


def from_settings(setup: CarrierSetup) -> SipCarrier:
    """Return a carrier that listens and takes ports as the settings say."""
    return SipCarrier(
        listening_from_settings(),
        RtpPorts(settings.RTP_FIRST_PORT, settings.RTP_LAST_PORT),
        receptionist=setup.receptionist,
        resolver=resolver_from_settings(),
    )


def resolver_from_settings() -> Resolver:
    return Resolver(permitted=permitted_from_settings())


def listening_from_settings() -> Listening:
    return Listening(
        host=settings.SIP_HOST,
        port=settings.SIP_PORT,
        tls_port=settings.SIP_TLS_PORT or None,
        tls_certificate=settings.SIP_TLS_CERTIFICATE,
        tls_key=settings.SIP_TLS_KEY,
        public_address=settings.SIP_PUBLIC_ADDRESS,
    )
