"""Three vendors refuse in one call, and the caller notices a wait at most."""

from __future__ import annotations

import pytest

from assistants.spec import AssistantSpec
from calls.session.events import EndReason, VendorReplaced, VendorTrouble
from calls.vendors.registry import Credential
from tests.calls.vendors.realtime_call import RealtimeCall
from tests.fakes.gemini_server import GeminiServer
from tests.fakes.gladia_server import GladiaServer
from tests.fakes.openai_server import Reply
from tests.fakes.vendor_servers import VendorServers
from tests.fakes.vendor_wire import BAD_KEY, RATE_LIMITED, Fault, Kind
from tests.fakes.voices_server import VoicesServer

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

NO_CREDIT = Fault(Kind.STATUS, 402, code="payment_required")
SPEC = AssistantSpec.model_validate(
    {
        "name": "Ann",
        "first_message": "Hello there.",
        "stt_config": {
            "provider": "gladia",
            "model": "solaria-1",
            "fallbacks": [{"provider": "deepgram", "model": "nova-3"}],
        },
        "llm_config": {
            "provider": "google",
            "model": "gemini-2.5-flash",
            "fallbacks": [{"provider": "openai", "model": "gpt-4.1"}],
        },
        "tts_config": {
            "provider": "inworld",
            "voice_id": "Ashley",
            "fallbacks": [{"provider": "elevenlabs", "voice_id": "voice-1"}],
        },
    }
)


async def test_each_stages_stand_in_serves_the_rest_of_the_call() -> None:
    async with (
        GladiaServer(faults=[BAD_KEY]) as gladia,
        GeminiServer(faults=[RATE_LIMITED]) as gemini,
        VoicesServer(faults=[NO_CREDIT]) as voices,
        VendorServers() as others,
    ):
        others.deepgram.transcripts = ["what time is it"]
        others.openai.replies = [Reply("It is noon.")]
        keys = {
            "gladia": Credential("k", gladia.base_url),
            "google_vertex": Credential(gemini.account, gemini.url),
            "inworld": Credential("k", voices.url),
            "deepgram": Credential("k", others.deepgram.base_url),
            "openai": Credential("k", others.openai.base_url),
            "elevenlabs": Credential("k", others.elevenlabs.base_url),
        }
        call = RealtimeCall(SPEC, keys)
        ended = await call.run(hangs_up_s=7)
    assert ended.reason is EndReason.USER_HANGUP
    assert call.said == [
        ("assistant", "Hello there."),
        ("user", "what time is it"),
        ("assistant", "It is noon."),
    ]
    replaced = {
        event.stage: (event.provider, event.stand_in)
        for event in call.events
        if isinstance(event, VendorReplaced)
    }
    assert replaced == {
        "stt": ("gladia", "deepgram"),
        "llm": ("google", "openai"),
        "tts": ("inworld", "elevenlabs"),
    }
    told = {e.stage: e.message for e in call.events if isinstance(e, VendorTrouble)}
    assert told == {
        "stt": "the key was refused",
        "llm": "too many requests or no quota left",
        "tts": "the account has no credit",
    }
