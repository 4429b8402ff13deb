"""Our calls from a trunk, as the voice process holds them: SIP, RTP, session, recording.

The same as `bench.bots.ours` but for who brings the calls. Prints its SIP port.

    python -m bench.bots.phone OPENAI_URL DEEPGRAM_URL ELEVENLABS_URL
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from bench.bots.ours import SPEC, Bot
from calls.media.recording import Recorder
from calls.media.rtp_ports import RtpPorts
from calls.permitted import ANYWHERE
from calls.session.voice_session import VoiceSession
from calls.telephony.protocol import IncomingCall, TrunkConfig
from calls.telephony.sip.carrier import SipCarrier
from calls.telephony.sip.resolving import Resolver
from calls.telephony.sip.transport import Listening
from calls.vendors.registry import Credential, SharedResources, build_vendors


class PhoneBot(Bot):
    """Answers every call at once and holds a conversation on it."""

    async def receive(self, call: IncomingCall) -> None:
        leg = call.leg
        await leg.answer()
        await leg.wait_connected(5)
        path = self._folder / f"{next(self._numbers)}.wav"
        recorder = Recorder(path)
        leg.set_taps(caller=recorder.caller, assistant=recorder.assistant)
        vendors = build_vendors(SPEC, self._credentials, self._shared)
        try:
            await VoiceSession(SPEC, leg, vendors, self._told).run()
        finally:
            leg.set_taps(caller=None, assistant=None)
            await leg.aclose()
            await vendors.aclose()
            await asyncio.to_thread(recorder.close)
            path.unlink(missing_ok=True)


async def main(openai_url: str, deepgram_url: str, elevenlabs_url: str) -> None:
    credentials = {
        "openai": Credential("bench", openai_url),
        "deepgram": Credential("bench", deepgram_url),
        "elevenlabs": Credential("bench", elevenlabs_url),
    }
    async with SharedResources() as shared:
        with tempfile.TemporaryDirectory() as folder:
            bot = PhoneBot(credentials, shared, Path(folder))
            carrier = SipCarrier(
                Listening("127.0.0.1", 0),
                RtpPorts(26_000, 26_999),
                receptionist=bot,
                resolver=Resolver(permitted=ANYWHERE),
            )
            trunk = TrunkConfig(uuid4(), "sip", settings={"addresses": ["127.0.0.1"]})
            await carrier.configure([trunk])
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 50, 1_000)
            print(carrier.agent.transports.port, flush=True)
            ended = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
            await ended.wait()
            await carrier.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
