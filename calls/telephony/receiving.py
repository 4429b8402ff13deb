"""Showing a caller to the receptionist, whose faults must cost no other caller."""

from __future__ import annotations

import logging

from calls.telephony.protocol import (
    IncomingCall,
    NotAnswered,
    Receptionist,
    RejectReason,
)
from common.edges import contained

logger = logging.getLogger(__name__)


async def show(call: IncomingCall, receptionist: Receptionist) -> RejectReason:
    """Return when the receptionist is done, with how to turn away who still waits then."""
    # Somebody waits at the other end, whatever breaks here.
    with contained(logger, "caller not received", carrier=call.carrier):
        try:
            await receptionist.receive(call)
        except NotAnswered:
            logger.info("a caller hung up before being answered")
        return RejectReason.UNAVAILABLE
    return RejectReason.FAILED
