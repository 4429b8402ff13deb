"""Inworld's voices."""

from __future__ import annotations

import sys
from typing import Any, Final

import aiohttp
from livekit.agents import APIStatusError, tts as lk_tts
from livekit.plugins import inworld
from livekit.plugins.inworld.tts import _InworldConnection

from calls.vendors.order import Order, given

URL = "https://api.inworld.ai/"
_SPEED: Final = (0.5, 1.5)  # Inworld's own bounds; a spec may say more


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    url = f"{order.base_url.rstrip('/')}/" if order.base_url else URL
    low, high = _SPEED
    return _TTS(
        voice=config.voice_id,
        model=order.model,
        encoding="PCM",
        sample_rate=16_000,
        api_key=order.api_key,
        base_url=url,
        ws_url=url.replace("http", "ws", 1),
        http_session=order.shared.http,
        **given(
            language=order.language,
            speaking_rate=(
                min(high, max(low, config.speed)) if config.speed != 1.0 else None
            ),
        ),
    )


class _TTS(inworld.TTS):
    def _get_connection(self) -> _InworldConnection:
        if self._connection is None or self._connection._closed:
            self._connection = _Connection(
                session=self._ensure_session(),
                ws_url=self._ws_url,
                authorization=self._authorization,
            )
        return self._connection


class _Connection(_InworldConnection):
    """The plugin's, with the status a connection was refused with."""

    async def _handle_connection_error(self, error: Exception) -> None:
        refusal = sys.exc_info()[1]  # it tells of one while it handles the other
        if isinstance(refusal, aiohttp.WSServerHandshakeError):
            error = APIStatusError(refusal.message, status_code=refusal.status)
        await super()._handle_connection_error(error)
