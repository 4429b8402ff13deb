"""Gladia, in the EU unless the assistant's owner chose otherwise."""

from __future__ import annotations

from typing import Any

from livekit.agents import stt as lk_stt
from livekit.plugins import gladia

from calls.vendors.order import Order, given

URL = "https://api.gladia.io/v2/live"


def stt(order: Order) -> lk_stt.STT[Any]:
    config = order.config
    languages = config.languages or ((order.language,) if order.language else ())
    words = dict.fromkeys((*config.keyterms, *(config.custom_vocabulary or ())))
    return gladia.STT(
        languages=list(languages),
        code_switching=bool(config.code_switching),
        region=config.region or "eu-west",
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
        **given(
            model=order.model,
            endpointing=config.endpointing,
            custom_vocabulary=tuple(words),
            translation_enabled=config.translation_enabled,
            translation_target_languages=config.translation_target_languages,
        ),
    )
