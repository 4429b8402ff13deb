"""Gemini Live holds a call, on Vertex AI in the EU or by an API key."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest

from calls.session.events import EndReason, VendorTrouble
from calls.vendors.registry import Credential
from tests.calls.vendors.realtime_call import RealtimeCall, realtime_spec
from tests.fakes.gemini_server import (
    AUDIO_TOKENS_IN,
    AUDIO_TOKENS_OUT,
    TEXT_TOKENS_IN,
    TOKEN,
    GeminiServer,
)
from tests.fakes.own_tls import make_certificate
from tests.fakes.vendor_wire import BAD_KEY, Fault, Kind

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    # The plugin's: it has to follow its own library.
    pytest.mark.filterwarnings("ignore:Setting `LiveConnectConfig.generation_config`"),
]

VERTEX = "gemini-live-2.5-flash-native-audio"
FLASH = "gemini-3.1-flash-live-preview"


QUOTA = "too many requests or no quota left"


def closes(why: str) -> Fault:
    return Fault(Kind.STATUS, code=why)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Google's client goes to a socket of its own over TLS alone, wherever that is."""
    trusted, shown = make_certificate(tmp_path)
    monkeypatch.setattr(certifi, "where", lambda: str(trusted))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))  # for the token
    return shown


def call_of(server: GeminiServer, model: str, **llm: Any) -> RealtimeCall:
    keys = {
        "google_vertex": Credential(server.account, server.url),
        "google": Credential("gk", server.url),
    }
    return RealtimeCall(realtime_spec("google_realtime", model=model, **llm), keys)


@pytest.mark.parametrize("model", [VERTEX, FLASH])
async def test_it_speaks_first_hears_and_answers(tls: ssl.SSLContext, model: str):
    async with GeminiServer(tls=tls) as server:
        call = call_of(server, model, voice="Kore", temperature=0.4)
        ended = await call.run()
    assert ended.reason is EndReason.USER_HANGUP
    assert call.said == [
        ("assistant", "Hello there."),
        ("user", "What time is it?"),
        ("assistant", "It is noon."),
    ]
    turns = 2
    assert ended.usage.audio_input_tokens == turns * AUDIO_TOKENS_IN
    assert ended.usage.audio_output_tokens == turns * AUDIO_TOKENS_OUT
    tokens = turns * (AUDIO_TOKENS_IN + TEXT_TOKENS_IN)
    assert ended.usage.llm_input_tokens == tokens
    [request] = server.requests
    setup = server.setups[0]
    if model == VERTEX:
        assert request["key"] == f"Bearer {TOKEN}"
        assert "projects/acme-voice/locations/europe-west4/" in setup["model"]
    else:
        assert request["key"] == "gk"
        assert setup["model"] == f"models/{FLASH}"
    assert "'Kore'" in str(setup["generationConfig"]["speechConfig"])
    assert setup["generationConfig"]["temperature"] == 0.4
    assert setup["systemInstruction"]["parts"][0]["text"] == "You are Ann."


async def test_a_tool_is_called_and_its_result_told(tls: ssl.SSLContext):
    call = {"id": "call-1", "name": "end_call", "args": {}}
    async with GeminiServer(tls=tls, call=call) as server:
        ended = await call_of(server, FLASH, tools=[{"type": "end_call"}]).run(
            hangs_up_s=9
        )
    assert ended.reason is EndReason.ASSISTANT_HANGUP
    names = [
        one["name"]
        for tool in server.setups[0]["tools"]
        for one in tool["functionDeclarations"]
    ]
    assert names == ["end_call"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (BAD_KEY, "the key was refused"),
        (Fault(Kind.STATUS, 429), QUOTA),
        (closes("1007 API key not valid."), "the key was refused"),
        (closes("1008 models/x is not found for v1beta"), "no such model or voice"),
        (closes("1011 You exceeded your current quota."), QUOTA),
    ],
)
async def test_a_refusal_ends_the_call_with_an_apology(
    tls: ssl.SSLContext, fault: Fault, reason: str
):
    async with GeminiServer(tls=tls, faults=[fault] * 9) as server:
        call = call_of(server, FLASH)
        ended = await call.run(hangs_up_s=20)
    assert ended.reason is EndReason.VENDOR_FAILED
    assert ended.error == f"llm (google_realtime): {reason}"
    assert [e.is_fatal for e in call.events if isinstance(e, VendorTrouble)] == [True]
    assert ended.at_ms < 8_000
    assert call.link.heard  # the recorded apology


async def test_a_socket_that_drops_is_opened_anew(tls: ssl.SSLContext):
    async with GeminiServer(tls=tls, faults=[Fault(Kind.TRUNCATE)]) as server:
        call = call_of(server, FLASH)
        await call.run()
    assert ("assistant", "It is noon.") in call.said
    assert len(server.requests) == 2
