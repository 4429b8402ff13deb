"""Azure Speech, in the region of its key."""

from __future__ import annotations

from typing import Any, Final

from azure.cognitiveservices.speech import (  # type: ignore[import-untyped]  # ships no types
    CancellationErrorCode as Code,
)
from livekit.agents import (
    APIConnectionError,
    APIStatusError,
    stt as lk_stt,
    tts as lk_tts,
)
from livekit.plugins import azure
from livekit.plugins.azure.stt import SpeechStream

from calls.vendors.order import Order, given
from calls.vendors.plugins.locales import locale_of

REGION = "westeurope"
# Its native client tells why it gave up in codes of its own.
_STATUS_OF: Final = {
    Code.AuthenticationFailure: 401,
    Code.BadRequest: 400,
    Code.TooManyRequests: 429,
    Code.Forbidden: 403,
    Code.ServiceTimeout: 408,
    Code.ServiceError: 500,
    Code.ServiceUnavailable: 503,
}


def stt(order: Order) -> lk_stt.STT[Any]:
    config = order.config
    where: dict[str, Any] = (
        {"speech_endpoint": _recognition_url(order.base_url)}
        if order.base_url
        else {"speech_region": order.setting("region", REGION)}
    )
    return _STT(
        speech_key=order.api_key,
        language=locale_of(order.language or "en"),
        **where,
        **given(phrase_list=config.keyterms),
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    where: dict[str, Any] = (
        {"speech_endpoint": f"{order.base_url.rstrip('/')}/cognitiveservices/v1"}
        if order.base_url
        else {"speech_region": order.setting("region", REGION)}
    )
    rate = azure.tts.ProsodyConfig(rate=config.speed) if config.speed != 1.0 else None
    return azure.TTS(
        voice=config.voice_id,
        language=locale_of(order.language) if order.language else None,
        sample_rate=16_000,
        speech_key=order.api_key,
        http_session=order.shared.http,
        **where,
        **given(prosody=rate),
    )


def _recognition_url(base_url: str) -> str:
    path = "speech/recognition/conversation/cognitiveservices/v1"
    return f"{base_url.rstrip('/').replace('http', 'ws', 1)}/{path}"


class _STT(azure.STT):
    def stream(self, **options: Any) -> SpeechStream:
        stream = super().stream(**options)
        stream.__class__ = _Stream  # it has not begun yet
        return stream


class _Stream(SpeechStream):
    """The plugin's, with the status of a refusal."""

    async def _run(self) -> None:
        try:
            await super()._run()
        except APIConnectionError as error:
            details = self._cancellation_error
            status = _STATUS_OF.get(details.code) if details else None
            if details is None or status is None:
                raise
            raise APIStatusError(details.code.name, status_code=status) from error
