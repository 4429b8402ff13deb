"""OpenAI, Deepgram and ElevenLabs, over their real wire protocols."""

from __future__ import annotations

import asyncio
import json

import pytest
from livekit.agents import APIConnectOptions, APIError, llm, stt
from livekit.agents.llm import function_tool

from calls.vendors.offline.stt import frame_of
from calls.vendors.registry import Owner, VendorSet, build_vendors
from tests.calls.vendors.conftest import keys_for, make_spec
from tests.fakes.openai_server import Reply, ToolCall, tone
from tests.fakes.vendor_wire import (
    BAD_KEY,
    BROKEN,
    HANG,
    MALFORMED,
    NO_QUOTA,
    RATE_LIMITED,
    TRUNCATE,
)

# A client gives up by the clock only where a server never answers; everywhere else the
# answer is what is waited for, however busy this machine is.
NO_HASTE_S = 600
ONE_TRY = APIConnectOptions(max_retry=0, timeout=NO_HASTE_S)
RETRY = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=NO_HASTE_S)
SOON = APIConnectOptions(max_retry=0, timeout=0.3)
OPENAI_VOICE = {"tts_config": {"provider": "openai", "voice_id": "alloy"}}


@pytest.fixture
def build(servers, shared, settings):
    # The keys are an organization's, whose own address may not be inside our network.
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]

    def build(**parts) -> VendorSet:
        return build_vendors(make_spec(**parts), keys_for(servers), shared)

    return build


def chat_context(text: str = "What time is it?") -> llm.ChatContext:
    chat = llm.ChatContext()
    chat.add_message(role="system", content="Be brief.")
    chat.add_message(role="user", content=text)
    return chat


async def ask(vendors: VendorSet, options=ONE_TRY, tools=None) -> llm.CollectedResponse:
    stream = vendors.llm.chat(
        chat_ctx=chat_context(), conn_options=options, tools=tools
    )
    return await stream.collect()


async def speak(vendors: VendorSet, options=ONE_TRY) -> float:
    """Seconds of speech for one sentence, through the vendor's streaming if any."""
    text = "It is nine."
    if not vendors.tts.capabilities.streaming:
        async with vendors.tts.synthesize(text, conn_options=options) as stream:
            return sum([event.frame.duration async for event in stream])
    async with vendors.tts.stream(conn_options=options) as stream:
        stream.push_text(text)
        stream.end_input()
        return sum([event.frame.duration async for event in stream])


async def listen(vendors: VendorSet, options=ONE_TRY) -> list[stt.SpeechEvent]:
    """The events of half a second of sound and half a second of silence."""
    async with vendors.stt.stream(conn_options=options) as stream:
        pcm = tone(500, 16_000) + bytes(16_000)
        for at in range(0, len(pcm), 640):
            stream.push_frame(frame_of(pcm[at : at + 640]))
        events = []
        async with asyncio.timeout(5):
            async for event in stream:
                events.append(event)
                if event.type == stt.SpeechEventType.END_OF_SPEECH:
                    return events
    raise AssertionError("the stream ended")


STAGES = {"llm": ask, "tts": speak, "stt": listen}


@function_tool
async def book_table(guests: int) -> str:
    """Book a table."""
    return str(guests)


@pytest.mark.asyncio
async def test_openai_streams_words_and_counts_tokens(servers, build):
    servers.openai.replies = [Reply("It is a quarter past nine.")]
    spec = {"temperature": 0.2, "max_completion_tokens": 50}
    answer = await ask(build(llm_config=spec))
    assert answer.text == "It is a quarter past nine."
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6
    [request] = servers.openai.requests
    assert request["authorization"] == "sk-o"
    assert request["model"] == "gpt-4.1"
    assert request["temperature"] == 0.2
    assert request["max_completion_tokens"] == 50
    assert [m["role"] for m in request["messages"]] == ["system", "user"]


@pytest.mark.asyncio
async def test_openai_calls_tools(servers, build):
    tool = ToolCall("book_table", {"guests": 4})
    servers.openai.replies = [Reply("One moment.", (tool,))]
    answer = await ask(build(), tools=[book_table])
    assert answer.text == "One moment."
    [call] = answer.tool_calls
    assert (call.name, json.loads(call.arguments)) == ("book_table", {"guests": 4})
    [offered] = servers.openai.requests[0]["tools"]
    assert offered["function"]["name"] == "book_table"


@pytest.mark.asyncio
async def test_an_own_server_speaks_the_same(servers, build):
    servers.openai.replies = [Reply("Hello from here.")]
    config = {"provider": "openai_compatible", "model": "llama3.3"}
    assert (await ask(build(llm_config=config))).text == "Hello from here."
    assert servers.openai.requests[0]["model"] == "llama3.3"


@pytest.mark.asyncio
async def test_openai_speaks(servers, build):
    vendors = build(**OPENAI_VOICE)
    assert await speak(vendors) == pytest.approx(0.4, abs=0.02)
    [request] = servers.openai.requests
    assert (request["voice"], request["response_format"]) == ("alloy", "pcm")
    assert vendors.tts.sample_rate == 24_000


@pytest.mark.asyncio
async def test_deepgram_gives_interim_and_final_words(servers, build):
    servers.deepgram.transcripts = ["what time is it"]
    vendors = build(stt_config={"language": "nl", "keyterms": ["Portavoce", "Acme"]})
    events = await listen(vendors)
    texts = [(e.type.value, e.alternatives[0].text) for e in events if e.alternatives]
    assert texts == [
        ("interim_transcript", "what"),
        ("final_transcript", "what time is it"),
    ]
    [request] = servers.deepgram.requests
    assert request["authorization"] == "key-d"
    assert (request["model"], request["language"]) == ("nova-3", "nl")
    assert request["keyterms"] == ["Portavoce", "Acme"]
    assert servers.deepgram.keep_alives == 1


@pytest.mark.asyncio
async def test_deepgram_finalizes_on_a_flush_and_closes_when_told(servers, build):
    servers.deepgram.transcripts = ["cut short"]
    stream = build().stt.stream(conn_options=ONE_TRY)
    stream.push_frame(frame_of(tone(300, 16_000)))
    stream.flush()
    async with asyncio.timeout(5):
        async for event in stream:
            if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                break
    assert event.alternatives[0].text == "cut short"
    stream.end_input()
    async with asyncio.timeout(5):
        await servers.deepgram.was_closed.wait()
    await stream.aclose()


@pytest.mark.asyncio
async def test_elevenlabs_speaks_at_the_sessions_rate(servers, build):
    vendors = build(tts_config={"language": "nl", "speed": 2.0})
    assert vendors.tts.sample_rate == 16_000
    seconds = await speak(vendors)
    assert seconds == pytest.approx(len("It is nine.") * 0.06, abs=0.02)
    [request] = servers.elevenlabs.requests
    assert request["authorization"] == "key-e"
    assert request["voice"] == "voice-1"
    assert request["model_id"] == "eleven_flash_v2_5"
    assert request["output_format"] == "pcm_16000"
    assert request["language_code"] == "nl"
    await vendors.aclose()
    assert servers.elevenlabs.closed_contexts == 1


@pytest.mark.asyncio
async def test_elevenlabs_speaks_over_http_too(servers, build):
    async with build().tts.synthesize("It is nine.", conn_options=ONE_TRY) as stream:
        seconds = sum([event.frame.duration async for event in stream])
    assert seconds == pytest.approx(len("It is nine.") * 0.06, abs=0.02)


FAULTS = [
    (BAD_KEY, False, 401, "the key was refused"),
    (RATE_LIMITED, True, 429, "too many requests or no quota left"),
    (BROKEN, True, 500, "status 500"),
]


@pytest.mark.parametrize("stage", ["llm", "stt", "tts"])
@pytest.mark.parametrize(("fault", "retryable", "status", "message"), FAULTS)
@pytest.mark.asyncio
async def test_a_refusal_tells_whose_key_and_whether_to_try_again(
    servers, build, stage, fault, retryable, status, message
):
    server = {
        "llm": servers.openai,
        "stt": servers.deepgram,
        "tts": servers.elevenlabs,
    }[stage]
    server.faults = [fault]
    vendors = build()
    with pytest.raises(APIError) as caught:
        await STAGES[stage](vendors)
    error = vendors.trouble(stage, caught.value)
    assert (error.retryable, error.status_code) == (retryable, status)
    assert error.message.endswith(message)
    expected = Owner.ORGANIZATION if stage == "llm" else Owner.PLATFORM
    assert (error.stage, error.owner) == (stage, expected)
    assert "sk-o" not in repr(caught.value)
    await vendors.aclose()


@pytest.mark.asyncio
async def test_the_wait_a_vendor_asks_for_is_kept(servers, build):
    servers.openai.faults = [RATE_LIMITED]
    vendors = build()
    waits = []

    def note(event: llm.LLMError) -> None:
        waits.append(vendors.trouble("llm", event.error).retry_after_s)

    vendors.llm.on("error", note)
    with pytest.raises(APIError):
        await ask(vendors)
    assert waits == [7]


@pytest.mark.asyncio
async def test_an_empty_account_is_not_tried_again(servers, build):
    servers.openai.faults = [NO_QUOTA]
    vendors = build()
    with pytest.raises(APIError) as caught:
        await ask(vendors)
    error = vendors.trouble("llm", caught.value)
    assert (error.retryable, error.message) == (
        False,
        "openai: the account has no credit",
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["llm", "stt", "tts"])
@pytest.mark.asyncio
async def test_a_vendor_that_hangs_is_given_up_in_time(servers, build, stage):
    for server in (servers.openai, servers.deepgram, servers.elevenlabs):
        server.faults = [HANG]
    vendors = build()
    with pytest.raises(APIError) as caught:
        await STAGES[stage](vendors, SOON)
    assert vendors.trouble(stage, caught.value).retryable is True
    await vendors.aclose()


@pytest.mark.parametrize("stage", ["llm", "stt", "tts"])
@pytest.mark.asyncio
async def test_a_broken_off_answer_is_an_error_and_not_an_end(servers, build, stage):
    for server in (servers.openai, servers.deepgram, servers.elevenlabs):
        server.faults = [TRUNCATE]
    servers.openai.replies = [Reply("one two three four")]
    vendors = build()
    with pytest.raises(APIError):
        await STAGES[stage](vendors)
    await vendors.aclose()


@pytest.mark.asyncio
async def test_a_broken_off_voice_of_openai_is_an_error(servers, build):
    servers.openai.faults = [TRUNCATE]
    with pytest.raises(APIError):
        await speak(build(**OPENAI_VOICE))


@pytest.mark.asyncio
async def test_malformed_json_of_the_model_is_an_error(servers, build):
    servers.openai.faults = [MALFORMED]
    servers.openai.replies = [Reply("one two three four")]
    with pytest.raises(APIError):
        await ask(build())


@pytest.mark.asyncio
async def test_malformed_json_of_the_voice_is_an_error(servers, build):
    servers.elevenlabs.faults = [MALFORMED]
    with pytest.raises(APIError):
        await speak(build())


@pytest.mark.asyncio
async def test_malformed_json_of_the_recogniser_is_passed_over(servers, build):
    servers.deepgram.faults = [MALFORMED]
    events = await listen(build())
    assert events[-1].type == stt.SpeechEventType.END_OF_SPEECH


@pytest.mark.parametrize("stage", ["llm", "stt", "tts"])
@pytest.mark.asyncio
async def test_one_failure_is_tried_again_and_not_noticed(servers, build, stage):
    for server in (servers.openai, servers.deepgram, servers.elevenlabs):
        server.faults = [BROKEN]
    vendors = build()
    assert await STAGES[stage](vendors, RETRY)
    await vendors.aclose()


@pytest.mark.asyncio
async def test_an_unreachable_server_is_retryable(servers, build):
    vendors = build()
    await servers.stop()
    with pytest.raises(APIError) as caught:
        await ask(vendors)
    assert vendors.trouble("llm", caught.value).retryable is True
