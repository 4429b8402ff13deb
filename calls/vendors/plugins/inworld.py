"""Inworld's voices."""

from __future__ import annotations

from typing import Any

from livekit.agents import tts as lk_tts
from livekit.plugins import inworld

from calls.vendors.order import Order, given

URL = "https://api.inworld.ai/"


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    url = f"{order.base_url.rstrip('/')}/" if order.base_url else URL
    return inworld.TTS(
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
            speaking_rate=config.speed if config.speed != 1.0 else None,
        ),
    )
