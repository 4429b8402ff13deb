"""One peer connection of aiortc with our RTP on it, and how to be rid of it."""

from __future__ import annotations

import asyncio
import logging

from aiortc import RTCPeerConnection, RTCRtpSender

from calls.media.rtp_plane import RtpPlane

logger = logging.getLogger(__name__)

OPUS = [
    codec
    for codec in RTCRtpSender.getCapabilities("audio").codecs
    if codec.mimeType.lower() == "audio/opus"
]
_CLOSE_S = 3.0


class Path:
    """A connection from its offer to its replacement or the end of the call."""

    def __init__(self, pc: RTCPeerConnection, plane: RtpPlane) -> None:
        self.pc = pc
        self.plane = plane
        self.gone_at_s: float | None = None


async def close_path(path: Path) -> None:
    """Close sockets and tasks, and break aiortc's reference cycles.

    Its transports hold the connection through their listeners. Left to the garbage
    collector, every ended call would stay until a full collection, which stalls the
    calls that run.
    """
    transports = {t.receiver.transport for t in path.pc.getTransceivers()}
    await path.plane.stop()
    try:
        await asyncio.wait_for(path.pc.close(), _CLOSE_S)
    except TimeoutError:
        logger.warning("a peer connection did not close in time")
    for transport in transports:
        transport.remove_all_listeners()
        transport.transport.remove_all_listeners()
        transport.transport.iceGatherer.remove_all_listeners()
        for name in ("_ssl", "_rx_srtp", "_tx_srtp"):
            setattr(transport, name, None)
