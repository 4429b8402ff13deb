"""Words that somebody spoke into a page's microphone, written down once and forgotten."""

from __future__ import annotations

import asyncio
import io
from typing import Any, Final

from assistants.catalogue import Stage, catalogue, is_available
from assistants.key_places import place_of
from assistants.keys import keys_at_hand
from assistants.spec import AssistantSpec, STTChoice
from calls.services.drafting import VendorRefused
from calls.services.equipment import credentials_of
from portal.models import Organization
from portal.services.privacy import policy_of

RATE_HZ: Final = 16_000
MAX_BYTES: Final = 5_000_000
MAX_S: Final = 120
_FRAME: Final = RATE_HZ // 50
_LIMIT_S: Final = 60.0


class BadSound(ValueError):
    """What came is no sound that can be read."""


class NoListener(Exception):
    """No recogniser is at hand that the policy allows."""


def write_down(*, organization: Organization, spec: AssistantSpec, sound: bytes) -> str:
    """Return what was said, by the assistant's own recogniser where it has one.

    Nothing is kept. Raises `BadSound`, `NoListener` or `VendorRefused`.
    """
    choice = _listener(organization, spec)
    if choice is None:
        raise NoListener
    samples = read_sound(sound)
    credentials = credentials_of(organization.agency_id, organization.pk)
    return asyncio.run(_heard(spec, choice, credentials, samples))


def read_sound(sound: bytes) -> bytes:
    """Return a browser's recording as 16-bit mono samples, or raise `BadSound`."""
    if not sound or len(sound) > MAX_BYTES:
        raise BadSound
    import av
    from av.error import FFmpegError

    found = bytearray()
    try:
        with av.open(io.BytesIO(sound), mode="r") as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
            for frame in container.decode(audio=0):
                for part in resampler.resample(frame):
                    found += part.to_ndarray().tobytes()
                if len(found) > MAX_S * RATE_HZ * 2:
                    break
    except (FFmpegError, IndexError, ValueError) as error:
        raise BadSound from error
    if not found:
        raise BadSound
    return bytes(found[: MAX_S * RATE_HZ * 2])


def _listener(organization: Organization, spec: AssistantSpec) -> STTChoice | None:
    keys, policy = keys_at_hand(), policy_of(organization)
    offered = [
        STTChoice(provider=p.id, model=p.default_model, language=p.languages[0])
        for p in catalogue().stage(Stage.STT)
        if p.default_model and p.languages
    ]
    own = [spec.stt_config] if spec.stt_config is not None else []
    for choice in (*own, *offered):
        provider = catalogue().find(Stage.STT, choice.provider)
        if provider is None or not is_available(provider, keys):
            continue
        region = provider.region_of(choice.model, choice.model_dump())
        if place_of(provider, region).is_allowed(policy):
            return choice
    return None


async def _heard(
    spec: AssistantSpec, choice: STTChoice, credentials: dict[str, Any], samples: bytes
) -> str:
    # Loads the voice library, which no other page needs.
    from livekit import rtc
    from livekit.agents import APIError, stt

    from calls.vendors.errors import ProviderError, provider_error
    from calls.vendors.registry import build_ears
    from calls.vendors.shared import SharedResources

    def frame_at(start: int) -> Any:
        piece = samples[start : start + _FRAME * 2].ljust(_FRAME * 2, b"\0")
        return rtc.AudioFrame(piece, RATE_HZ, 1, _FRAME)

    said: list[str] = []
    async with SharedResources() as shared:
        try:
            ears, owner = await build_ears(spec, choice, credentials, shared)
        except ProviderError as error:
            raise VendorRefused(error.message) from error
        try:
            async with asyncio.timeout(_LIMIT_S), ears.stream() as stream:
                # A breath of silence at the end, so that the last word ends as well.
                for start in range(0, len(samples) + RATE_HZ, _FRAME * 2):
                    stream.push_frame(frame_at(start))
                stream.end_input()
                async for event in stream:
                    if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                        said += [one.text for one in event.alternatives[:1]]
        except (APIError, TimeoutError) as error:
            refused = provider_error(
                error, stage="stt", provider=choice.provider, owner=owner
            )
            raise VendorRefused(refused.message) from error
        finally:
            await ears.aclose()
    return " ".join(text.strip() for text in said if text.strip())
