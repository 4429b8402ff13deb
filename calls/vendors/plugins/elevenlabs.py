"""ElevenLabs: voices, and Scribe."""

from __future__ import annotations

from typing import Any, Final

from livekit.agents import APIStatusError, stt as lk_stt, tts as lk_tts
from livekit.plugins import elevenlabs
from livekit.plugins.elevenlabs.stt import SpeechStream

from calls.vendors.order import Order, given

URL = "https://api.elevenlabs.io/v1"
# ElevenLabs' own bounds; a spec may say more, for other vendors and older specs.
_SPEED = (0.7, 1.2)
_ONE_LANGUAGE_MODELS = ("eleven_flash_v2_5", "eleven_turbo_v2_5")
_STABILITY, _SIMILARITY = 0.5, 0.75  # the vendor's; the client wants both or neither


# What Scribe says on a socket that is open, and the status it would have been over HTTP.
# Of most of these the plugin makes a lost connection, of the others nothing.
_REFUSALS: Final = {
    "auth_error": 401,
    "quota_exceeded": 402,
    "unaccepted_terms": 403,
    "unaccepted_terms_error": 403,
    "input_error": 422,
    "chunk_size_exceeded": 422,
    "rate_limited": 429,
    "resource_exhausted": 429,
    "queue_overflow": 429,
    "transcriber_error": 500,
    "error": 500,
}


def stt(order: Order) -> lk_stt.STT[Any]:
    config = order.config
    return _STT(
        model=order.model,
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
        **given(
            language_code=order.language,
            keyterms=config.keyterms,
            tag_audio_events=config.tag_audio_events,
            include_timestamps=config.include_timestamps,
            sample_rate=config.sample_rate,
        ),
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    config, model = order.config, order.model
    return elevenlabs.TTS(
        voice_id=config.voice_id,
        model=model,
        encoding="pcm_16000",  # what the session plays: nothing to decode or resample
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
        **given(
            voice_settings=_settings(config),
            language=config.language if model in _ONE_LANGUAGE_MODELS else None,
            apply_text_normalization=config.apply_text_normalization,
            apply_language_text_normalization=config.apply_language_text_normalization,
        ),
    )


def _settings(config: Any) -> elevenlabs.VoiceSettings | None:
    low, high = _SPEED
    chosen = given(
        stability=config.stability,
        similarity_boost=config.similarity_boost,
        style=config.style,
        use_speaker_boost=config.use_speaker_boost,
        speed=min(high, max(low, config.speed)) if config.speed != 1.0 else None,
    )
    if not chosen:
        return None
    return elevenlabs.VoiceSettings(
        **{"stability": _STABILITY, "similarity_boost": _SIMILARITY} | chosen
    )


class _STT(elevenlabs.STT):
    def stream(self, **options: Any) -> SpeechStream:
        stream = super().stream(**options)
        stream.__class__ = _Stream  # it has not begun yet
        return stream


class _Stream(SpeechStream):
    """The plugin's, with the status of a refusal."""

    def _process_stream_event(self, data: dict[str, Any]) -> None:
        status = _REFUSALS.get(str(data.get("message_type")))
        if status is not None:
            raise APIStatusError(str(data["message_type"]), status_code=status)
        super()._process_stream_event(data)
