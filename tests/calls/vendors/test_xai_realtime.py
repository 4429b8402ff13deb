"""xAI's realtime model holds a call: it hears, thinks and speaks by itself."""

from __future__ import annotations

import pytest

from calls.session.events import EndReason, TurnSpoken, VendorTrouble
from calls.vendors.registry import Credential
from tests.calls.vendors.realtime_call import RealtimeCall, realtime_spec
from tests.fakes.vendor_wire import BAD_KEY
from tests.fakes.xai_realtime_server import XaiRealtimeServer

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]

MODEL = "grok-voice-think-fast-2.0"


async def test_it_speaks_first_hears_and_answers():
    async with XaiRealtimeServer() as server:
        keys = {"xai": Credential("xk", server.base_url)}
        spec = realtime_spec(
            "xai_realtime",
            model=MODEL,
            voice="eve",
            reasoning_effort="high",
            speed=1.2,
            turn_detection={"threshold": 2, "silence_duration_ms": 250},
            transcription={"language_hint": "nl", "keyterms": ["Portavoce"]},
            provider_tools=[{"type": "x_search", "allowed_x_handles": ["acme"]}],
            tools=[{"type": "end_call"}],
        )
        call = RealtimeCall(spec, keys)
        ended = await call.run()
    assert ended.reason is EndReason.USER_HANGUP
    assert call.said == [
        ("assistant", "Hello there."),
        ("user", "What time is it?"),
        ("assistant", "It is noon."),
    ]
    assert server.said == ["Hello there."]
    assert server.requests[0] == {"model": MODEL, "authorization": "xk"}
    session = server.sessions[0]
    assert session["voice"] == "eve"
    assert session["instructions"] == "You are Ann."
    assert session["audio"]["output"]["speed"] == 1.2
    transcription = session["audio"]["input"]["transcription"]
    assert transcription["language"] == "nl"
    assert transcription["keyterms"] == ["Portavoce"]
    assert session["turn_detection"]["threshold"] == 1  # clamped
    assert session["turn_detection"]["silence_duration_ms"] == 250
    assert session["reasoning"]["effort"] == "high"
    tools = {tool.get("name") or tool["type"] for tool in session["tools"]}
    assert tools == {"end_call", "x_search"}
    timing = [e for e in call.events if isinstance(e, TurnSpoken)][-1].timing
    assert timing is not None
    assert timing.response_ms == timing.llm_ms > 0
    assert ended.usage.llm_output_tokens > ended.usage.audio_output_tokens > 0
    assert ended.usage.audio_input_tokens > 0
    assert ended.usage.realtime_ms == pytest.approx(ended.at_ms, abs=2_000)


async def test_a_refused_key_ends_the_call_with_an_apology_that_needs_no_vendor():
    async with XaiRealtimeServer(faults=[BAD_KEY] * 9) as server:
        keys = {"xai": Credential("bad", server.base_url)}
        call = RealtimeCall(realtime_spec("xai_realtime", model=MODEL), keys)
        ended = await call.run(hangs_up_s=20)
    assert ended.reason is EndReason.VENDOR_FAILED
    assert ended.error == "llm (xai_realtime): the key was refused"
    assert [e.is_fatal for e in call.events if isinstance(e, VendorTrouble)] == [True]
    assert ended.at_ms < 8_000
    assert call.link.heard  # the recorded apology
