"""One sentence in one voice, outside of any call."""

from __future__ import annotations

import asyncio
import io
import wave

from livekit import rtc
from livekit.agents import APIConnectOptions, APIError

from assistants.spec import AssistantSpec
from calls.vendors.registry import (
    Credentials,
    SharedResources,
    build_vendors,
    prepare_vendors,
)

TIME_LIMIT_S = 15.0


async def spoken(
    provider: str,
    voice_id: str,
    text: str,
    *,
    language: str,
    credentials: Credentials,
) -> bytes:
    """Return the sentence as WAV. Raises `ProviderError` when the voice cannot be had."""
    spec = AssistantSpec.model_validate(
        {
            "name": "Sample",
            "llm_config": {"provider": "demo", "model": "demo-1"},
            "stt_config": {"provider": "offline", "model": "pocketsphinx"},
            "tts_config": {
                "provider": provider,
                "voice_id": voice_id,
                "language": None if language == "multi" else language,
            },
        }
    )
    async with SharedResources() as shared:
        await prepare_vendors(spec, credentials, shared)
        vendors = build_vendors(spec, credentials, shared)
        assert vendors.tts is not None
        frames: list[rtc.AudioFrame] = []
        try:
            async with asyncio.timeout(TIME_LIMIT_S):
                options = APIConnectOptions(max_retry=1, timeout=TIME_LIMIT_S / 2)
                async with vendors.tts.synthesize(text, conn_options=options) as stream:
                    frames = [audio.frame async for audio in stream]
        except (APIError, TimeoutError) as error:
            raise vendors.trouble("tts", error) from error
        finally:
            await vendors.aclose()
    return _wav(frames)


def _wav(frames: list[rtc.AudioFrame]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(frames[0].sample_rate if frames else 16_000)
        for frame in frames:
            sound.writeframes(bytes(frame.data.cast("B")))
    return file.getvalue()
