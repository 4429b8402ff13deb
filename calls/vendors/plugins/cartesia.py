"""Cartesia: Sonic's voices, and Ink."""

from __future__ import annotations

from typing import Any

from livekit.agents import APIStatusError, stt as lk_stt, tts as lk_tts
from livekit.plugins import cartesia
from livekit.plugins.cartesia._recognize_streams import (
    auto_finalize_recognize_stream as turns,
    legacy_recognize_stream as whisper,
)

from calls.vendors.order import Order, given

URL = "https://api.cartesia.ai"


def stt(order: Order) -> lk_stt.STT[Any]:
    return _STT(
        model=order.model,
        language=order.language or "en",
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    return cartesia.TTS(
        model=order.model,
        voice=config.voice_id,
        language=(order.language or "en").split("-")[0],
        sample_rate=16_000,
        word_timestamps=False,
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
        **given(speed=config.speed if config.speed != 1.0 else None),
    )


class _STT(cartesia.STT):
    def stream(self, **options: Any) -> Any:
        stream: Any = super().stream(**options)
        is_whisper = isinstance(stream, whisper.LegacyRecognizeStream)
        stream.__class__ = (
            _WhisperStream if is_whisper else _TurnsStream
        )  # not begun yet
        return stream


class _WhisperStream(whisper.LegacyRecognizeStream):
    """The plugin's, which only logs a refusal and waits for words that never come."""

    def _process_stream_event(self, data: Any) -> None:
        _refuse(data)
        super()._process_stream_event(data)


class _TurnsStream(turns.AutoFinalizeRecognizeStream):
    """The same for a model that finds turns."""

    def _process_stream_event(self, data: Any) -> None:
        _refuse(data)
        super()._process_stream_event(data)


def _refuse(data: dict[str, Any]) -> None:
    if data.get("type") == "error":
        status = data.get("status_code") or data.get("code") or 500
        raise APIStatusError("refused", status_code=int(status))
