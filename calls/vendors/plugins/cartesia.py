"""Cartesia: Sonic's voices, and Ink."""

from __future__ import annotations

from typing import Any

from livekit.agents import stt as lk_stt, tts as lk_tts
from livekit.plugins import cartesia

from calls.vendors.order import Order, given

URL = "https://api.cartesia.ai"


def stt(order: Order) -> lk_stt.STT[Any]:
    return cartesia.STT(
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
