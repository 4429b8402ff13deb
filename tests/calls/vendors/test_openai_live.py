"""GPT-Live holds a call: it talks, and a model behind it thinks and uses the tools."""

from __future__ import annotations

from typing import Any

import pytest

from calls.session.events import EndReason, VendorTrouble
from calls.vendors.registry import Credential
from tests.calls.vendors.realtime_call import RealtimeCall, realtime_spec
from tests.fakes.gpt_live_server import GptLiveServer
from tests.fakes.vendor_wire import BAD_KEY, NO_QUOTA, TRUNCATE, Fault

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


def call_of(server: GptLiveServer, **llm: Any) -> RealtimeCall:
    keys = {"openai": Credential("ok", server.base_url)}
    return RealtimeCall(realtime_spec("openai_live", model="gpt-live-1", **llm), keys)


async def test_it_speaks_first_hears_and_answers():
    async with GptLiveServer() as server:
        call = call_of(
            server,
            voice="cinder",
            delegation={"model": "gpt-5.6-terra", "instructions": "Be exact."},
            tools=[{"type": "end_call"}],
        )
        ended = await call.run(hangs_up_s=8)
    assert ended.reason is EndReason.USER_HANGUP
    assert call.said == [
        ("assistant", "Hello there."),
        ("user", "What time is it?"),
        ("assistant", "It is noon."),
    ]
    assert 5_000 < ended.usage.realtime_ms <= ended.at_ms + 2_000
    assert server.requests == [{"authorization": "ok"}]
    [session] = server.sessions
    assert session["model"] == "gpt-live-1"
    assert session["instructions"] == "You are Ann."
    assert session["audio"]["output"] == {"voice": "cinder"}
    backend = session["delegation"]["responses"]
    assert (backend["model"], backend["instructions"]) == ("gpt-5.6-terra", "Be exact.")
    assert [tool["name"] for tool in backend["tools"]] == ["end_call"]


async def test_the_model_behind_it_uses_the_tools():
    call = {"id": "fc-1", "call_id": "call-1", "name": "end_call", "arguments": "{}"}
    async with GptLiveServer(call=call) as server:
        ended = await call_of(server, tools=[{"type": "end_call"}]).run(hangs_up_s=12)
    assert ended.reason is EndReason.ASSISTANT_HANGUP
    usage = ended.usage  # of the model behind it, asked twice
    assert (usage.llm_input_tokens, usage.llm_output_tokens) == (240, 60)
    assert usage.llm_cached_tokens == 40
    assert usage.audio_input_tokens == 0


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (BAD_KEY, "the key was refused"),
        (NO_QUOTA, "too many requests or no quota left"),
    ],
)
async def test_a_refusal_ends_the_call_with_an_apology(fault: Fault, reason: str):
    async with GptLiveServer(faults=[fault] * 9) as server:
        call = call_of(server)
        ended = await call.run(hangs_up_s=20)
    assert ended.reason is EndReason.VENDOR_FAILED
    assert ended.error == f"llm (openai_live): {reason}"
    fatal = [e.is_fatal for e in call.events if isinstance(e, VendorTrouble)]
    assert fatal[-1]
    assert fatal.count(True) == 1
    assert ended.at_ms < 8_000
    assert call.link.heard  # the recorded apology


@pytest.mark.parametrize("code", ["invalid_model", "insufficient_quota"])
async def test_a_refusal_on_an_open_socket_ends_the_call_too(code: str):
    told = {"type": "invalid_request_error", "code": code, "message": "Scripted."}
    async with GptLiveServer(told=told) as server:
        call = call_of(server)
        ended = await call.run(hangs_up_s=25)
    assert ended.reason is EndReason.VENDOR_FAILED
    assert call.link.heard


async def test_a_socket_that_drops_is_opened_anew():
    async with GptLiveServer(faults=[TRUNCATE]) as server:
        call = call_of(server)
        await call.run(hangs_up_s=9)
    assert ("assistant", "It is noon.") in call.said
    assert len(server.sessions) == 2
