"""The offline recogniser through LiveKit's interface, fed with speech in frames."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterable

import numpy as np
import pytest
import pytest_asyncio
from livekit.agents import APIConnectOptions, APIError, stt

from calls.media.g711 import G711Decoder, G711Encoder
from calls.node.consent_gate import AGREED, DECLINED, QUESTIONS
from calls.vendors.offline.decoders import DecoderPool, RecogniserLost
from calls.vendors.offline.stt import OfflineSTT, SpeechGate, frame_of
from tests.calls.vendors.speech import (
    PHRASES,
    needs_flite,
    silence,
    spoken,
    word_error_rate,
)

pytestmark = [pytest.mark.slow]
FRAME = 640
Kind = stt.SpeechEventType
ONE_TRY = APIConnectOptions(max_retry=0)
SOON = APIConnectOptions(max_retry=2, retry_interval=0.01)


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[DecoderPool]:
    pool = DecoderPool(size=1)
    await pool.warm()
    yield pool
    await pool.aclose()


def push(stream: stt.RecognizeStream, pcm: bytes) -> None:
    for at in range(0, len(pcm) - FRAME + 1, FRAME):
        stream.push_frame(frame_of(pcm[at : at + FRAME]))


async def until_final(stream: stt.RecognizeStream) -> list[stt.SpeechEvent]:
    events = []
    async with asyncio.timeout(20):
        async for event in stream:
            if event.type == Kind.RECOGNITION_USAGE:
                continue
            events.append(event)
            if event.type == Kind.END_OF_SPEECH:
                return events
    raise AssertionError("the stream ended")


def final(events: Iterable[stt.SpeechEvent]) -> str:
    return " ".join(
        e.alternatives[0].text for e in events if e.type == Kind.FINAL_TRANSCRIPT
    )


async def recognise_all(pool: DecoderPool, phrases: Iterable[str]) -> float:
    pairs = []
    async with OfflineSTT(pool, tuple(phrases)).stream() as stream:
        for phrase in PHRASES:
            push(stream, spoken(phrase))
            stream.flush()
            pairs.append((phrase, final(await until_final(stream))))
    return word_error_rate(pairs)


@needs_flite
@pytest.mark.asyncio
async def test_expected_phrases_are_recognised_without_an_error(pool):
    assert await recognise_all(pool, PHRASES) == 0.0


@needs_flite
@pytest.mark.asyncio
async def test_free_speech_is_recognised_with_few_errors(pool):
    assert await recognise_all(pool, ()) < 0.08


@needs_flite
@pytest.mark.asyncio
async def test_unexpected_speech_is_not_bent_into_expected_phrases(pool):
    assert await recognise_all(pool, ("opening hours", "goodbye", "yes")) < 0.08


def over_a_telephone(pcm: bytes) -> bytes:
    """Return speech as G.711 carries it: nothing above 4 kHz."""
    line = np.frombuffer(pcm[: len(pcm) // 4 * 4], np.int16).reshape(-1, 2)
    thin = line.mean(axis=1).astype(np.int16).tobytes()
    encoder, decoder = G711Encoder("PCMA"), G711Decoder("PCMA")
    pieces = [thin[at : at + 320] for at in range(0, len(thin) - 319, 320)]
    return b"".join(decoder.decode(encoder.encode(piece)) for piece in pieces)


@needs_flite
@pytest.mark.asyncio
async def test_the_answer_that_consent_asks_for_is_heard_over_a_telephone(pool):
    assert "say: I agree" in QUESTIONS["en"]
    async with OfflineSTT(pool, sorted(AGREED | DECLINED)).stream() as stream:
        push(stream, over_a_telephone(spoken("i agree")))
        stream.flush()
        assert final(await until_final(stream)) in AGREED


@needs_flite
@pytest.mark.asyncio
async def test_words_come_while_the_caller_speaks(pool):
    async with OfflineSTT(pool).stream() as stream:
        push(stream, spoken(PHRASES[2]))
        stream.flush()
        events = await until_final(stream)
    kinds = [event.type for event in events]
    assert kinds[0] == Kind.START_OF_SPEECH
    assert kinds.count(Kind.INTERIM_TRANSCRIPT) >= 2
    assert kinds[-2:] == [Kind.FINAL_TRANSCRIPT, Kind.END_OF_SPEECH]


@needs_flite
@pytest.mark.asyncio
async def test_silence_ends_an_utterance_that_nobody_flushes(pool):
    async with OfflineSTT(pool, ["goodbye"]).stream() as stream:
        push(stream, spoken("goodbye") + silence(1_000))
        assert final(await until_final(stream)) == "goodbye"


@needs_flite
@pytest.mark.asyncio
async def test_the_end_of_the_input_gives_the_last_words_and_the_usage(pool):
    pcm = spoken("goodbye")
    stream = OfflineSTT(pool, ["goodbye"]).stream()
    push(stream, pcm)
    stream.end_input()
    async with asyncio.timeout(20):
        events = [event async for event in stream]
    await stream.aclose()
    assert final(events) == "goodbye"
    usage = [e.recognition_usage for e in events if e.recognition_usage]
    heard_s = sum(u.audio_duration for u in usage)
    assert heard_s == pytest.approx(len(pcm) / 32_000, abs=0.021)


@needs_flite
@pytest.mark.asyncio
async def test_four_callers_at_once_get_their_own_words(pool):
    async def call(phrase: str) -> str:
        async with OfflineSTT(pool, PHRASES).stream() as stream:
            push(stream, spoken(phrase))
            stream.flush()
            return final(await until_final(stream))

    wanted = list(PHRASES[:4])
    assert await asyncio.gather(*map(call, wanted)) == wanted


@pytest.mark.asyncio
async def test_silence_and_flushes_alone_give_nothing(pool):
    stream = OfflineSTT(pool).stream()
    push(stream, silence(2_000))
    stream.flush()
    stream.flush()
    stream.end_input()
    events = [event async for event in stream]
    await stream.aclose()
    assert {event.type for event in events} == {Kind.RECOGNITION_USAGE}


@needs_flite
@pytest.mark.asyncio
async def test_a_killed_recogniser_is_replaced_within_the_call(pool):
    speech = OfflineSTT(pool, ["goodbye"])
    errors: asyncio.Queue[stt.STTError] = asyncio.Queue()
    speech.on("error", errors.put_nowait)
    async with speech.stream(conn_options=SOON) as stream:
        push(stream, spoken("goodbye"))
        stream.flush()
        assert final(await until_final(stream)) == "goodbye"
        os.kill(pool.process_ids[0], signal.SIGKILL)
        assert (await errors.get()).recoverable
        push(stream, spoken("goodbye"))
        stream.flush()
        assert final(await until_final(stream)) == "goodbye"
    assert errors.empty()


@pytest.mark.asyncio
async def test_a_lost_recogniser_is_an_error_and_never_a_quiet_end(pool):
    async with OfflineSTT(pool).stream(conn_options=ONE_TRY) as stream:
        push(stream, silence(100))
        await asyncio.sleep(0)
        await pool.aclose()
        with pytest.raises(APIError):
            await until_final(stream)


@pytest.mark.asyncio
async def test_a_closed_pool_opens_no_stream():
    pool = DecoderPool(size=1)
    await pool.aclose()
    with pytest.raises(RecogniserLost):
        await pool.open_stream(())


@pytest.mark.asyncio
async def test_closing_the_pool_leaves_no_process():
    pool = DecoderPool(size=1)
    await pool.warm()
    [pid] = pool.process_ids
    await pool.aclose()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@needs_flite
def test_the_gate_keeps_the_sound_before_the_onset():
    gate = SpeechGate()
    pcm = silence(1_000) + spoken("goodbye")
    kept = b"".join(
        gate.push(pcm[at : at + FRAME]) for at in range(0, len(pcm) - FRAME, FRAME)
    )
    assert gate.is_open
    assert len(spoken("goodbye")) * 0.6 < len(kept) < len(pcm) - 16_000
