"""The offline voices: real speech at 16 kHz, early, cached, and stopped at once."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest
from livekit.agents import APIError

from assistants.catalogue import Stage, catalogue
from calls.vendors.offline import voices
from calls.vendors.offline.tts import OfflineTTS, SentenceCache, Speaker
from calls.vendors.offline.voices import OfflineVoice, resolve_voice
from tests.calls.vendors.speech import needs_flite

TEXT = "We are open from nine to five."
OFFLINE = catalogue().find(Stage.TTS, "offline")
assert OFFLINE is not None


@pytest.fixture
def speaker():
    speaker = Speaker()
    yield speaker
    speaker.close()


async def speak(speaker: Speaker, voice_id: str, text: str = TEXT, **options: float):
    speech = OfflineTTS(speaker, voice_id=voice_id, **options)
    async with speech.synthesize(text) as stream:
        return await stream.collect()


def loudness(frame) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(frame.data, dtype=float)))))


@pytest.mark.parametrize("voice", [voice.id for voice in OFFLINE.voices])
@pytest.mark.asyncio
async def test_every_voice_of_the_catalogue_speaks(speaker, voice):
    frame = await speak(speaker, voice)
    assert frame.sample_rate == 16_000
    assert frame.num_channels == 1
    assert 1.0 < frame.duration < 4.0
    assert loudness(frame) > 300


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["flite-rms", "espeak-nl"])
@pytest.mark.asyncio
async def test_twice_the_speed_takes_about_half_the_time(speaker, voice):
    usual = await speak(speaker, voice)
    fast = await speak(speaker, voice, speed=2.0)
    assert 0.35 < fast.duration / usual.duration < 0.7


@pytest.mark.asyncio
async def test_a_sentence_is_spoken_once_and_then_remembered(speaker, monkeypatch):
    first = await speak(speaker, "espeak-en-us")
    monkeypatch.setattr(voices, "speak", None)
    second = await speak(speaker, "espeak-en-us")
    assert bytes(second.data) == bytes(first.data)


@pytest.mark.asyncio
async def test_espeak_calls_at_once_do_not_mix(speaker):
    texts = [" ".join([TEXT] * count) for count in range(1, 9)]
    alone = [await speak(speaker, "espeak-en-us", text) for text in texts]
    other = Speaker()
    together = await asyncio.gather(*(speak(other, "espeak-en-us", t) for t in texts))
    other.close()
    assert [f.duration for f in together] == pytest.approx(
        [f.duration for f in alone], abs=0.05
    )


@pytest.mark.asyncio
async def test_text_without_a_sound_is_a_short_silence(speaker):
    frame = await speak(speaker, "espeak-en-us", "…")
    assert frame.duration < 1.0


@pytest.mark.slow
@pytest.mark.asyncio
async def test_text_is_never_an_option_or_a_command(speaker):
    for voice in ("flite-rms", "espeak-en-us"):
        frame = await speak(speaker, voice, "-lv $(touch /tmp/x); rm -rf & hello")
        assert frame.duration > 0.5


@pytest.mark.asyncio
async def test_an_unknown_voice_is_an_error_that_is_not_retried(speaker):
    speech = OfflineTTS(speaker, voice_id="espeak-klingon-x")
    began = time.perf_counter()
    with pytest.raises(APIError) as caught:
        await speech.synthesize(TEXT).collect()
    assert caught.value.retryable is False
    assert time.perf_counter() - began < 2.0


@pytest.mark.asyncio
async def test_an_interrupted_sentence_is_not_remembered_or_finished(speaker):
    speech = OfflineTTS(speaker, voice_id="espeak-en-us")
    stream = speech.synthesize(" ".join([TEXT] * 200))
    async for _ in stream:
        break
    await stream.aclose()
    assert len(speaker.cache) == 0


@pytest.mark.slow
@pytest.mark.asyncio
async def test_the_loop_goes_on_while_it_speaks(speaker):
    lags = []

    async def tick() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)

    ticking = asyncio.create_task(tick())
    text = " ".join([TEXT] * 5)
    await asyncio.gather(
        *(speak(speaker, v, text) for v in ("flite-rms", "espeak-en-us", "espeak-nl"))
    )
    ticking.cancel()
    assert sorted(lags)[len(lags) // 2] < 0.02


def test_without_flite_its_voices_are_espeaks_of_the_same_sex(monkeypatch):
    monkeypatch.setattr(voices.shutil, "which", lambda name: None)
    assert resolve_voice("flite-rms") == OfflineVoice("espeak", "en-us")
    assert resolve_voice("flite-slt") == OfflineVoice("espeak", "en-us+f3")


@needs_flite
def test_flite_that_fails_says_so():
    with pytest.raises(voices.SpeechFailed, match="flite"):
        voices.speak_with_flite("", "no-such-voice", 1.0, lambda piece: True)


def test_the_cache_drops_what_was_used_longest_ago():
    cache = SentenceCache(max_bytes=10)
    keys = [(OfflineVoice("espeak", "en"), 1.0, text) for text in "abcd"]
    cache.put(keys[0], b"12345")
    cache.put(keys[1], b"12345")
    assert cache.get(keys[0]) == b"12345"
    cache.put(keys[2], b"12345")
    assert cache.get(keys[1]) is None
    cache.put(keys[3], b"x" * 11)
    assert len(cache) == 2
