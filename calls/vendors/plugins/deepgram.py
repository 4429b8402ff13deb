"""Deepgram, and servers that speak its live transcription."""

from __future__ import annotations

from typing import Any

from livekit.agents import stt as lk_stt
from livekit.plugins import deepgram

from calls.vendors.order import Order, given

URL = "https://api.deepgram.com/v1/listen"


def stt(order: Order) -> lk_stt.STT[Any]:
    config = order.config
    endpointing = config.endpointing
    return deepgram.STT(
        model=order.model,
        language=config.language,
        api_key=order.api_key or "none",
        base_url=order.base_url or URL,
        http_session=order.shared.http,
        **given(
            keyterm=config.keyterms,
            smart_format=config.smart_format,
            endpointing_ms=None if endpointing is None else int(endpointing),
            numerals=config.numerals,
            filler_words=config.filler_words,
            utterance_end_ms=config.utterance_end_ms,
            no_delay=config.no_delay,
        ),
    )
