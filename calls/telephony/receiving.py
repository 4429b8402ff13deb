"""Showing a caller to the receptionist, whose faults must cost no other caller."""

from __future__ import annotations

import logging

from calls.telephony.protocol import (
    IncomingCall,
    NotAnswered,
    Receptionist,
    RejectReason,
)

logger = logging.getLogger(__name__)


async def show(call: IncomingCall, receptionist: Receptionist) -> RejectReason:
    """Return when the receptionist is done, with how to turn away who still waits then."""
    try:
        await receptionist.receive(call)
    except NotAnswered:
        logger.info("a caller hung up before being answered")
    except Exception:  # the edge of the call: somebody waits at the other end
        logger.exception("caller not received", extra={"carrier": call.carrier})
        return RejectReason.FAILED
    return RejectReason.UNAVAILABLE
