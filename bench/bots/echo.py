"""The ceiling: aiortc decodes what it hears and sends it back, nothing else.

With the audio level by numpy, without which an echo costs twice as much.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from bench.bots.door import serve
from calls.media import audio_level


async def accept(offer: str) -> tuple[str, Callable[[], Awaitable[None]]]:
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    @peer.on("track")
    def echo(track: MediaStreamTrack) -> None:
        peer.addTrack(track)

    await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await peer.setLocalDescription(await peer.createAnswer())
    return peer.localDescription.sdp, peer.close


async def main() -> None:
    audio_level.apply()
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 1_000)
    await serve(accept, [])


if __name__ == "__main__":
    asyncio.run(main())
