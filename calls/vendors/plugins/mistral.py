"""Mistral: models, Voxtral's ears and its voices, all in the EU."""

from __future__ import annotations

from typing import Any

import httpx
from livekit.agents import (
    inference,
    llm as lk_llm,
    stt as lk_stt,
    tts as lk_tts,
)
from livekit.plugins import mistralai
from mistralai.client import Mistral

from calls.vendors.order import Order, given

URL = "https://api.mistral.ai"


def _connections(order: Order) -> httpx.AsyncClient:
    """Kept by themselves, as the client does not close what it was given."""
    found: httpx.AsyncClient = order.shared.client(
        ("mistral-connections", order.base_url or URL, order.api_key),
        lambda tls: httpx.AsyncClient(
            verify=tls, timeout=httpx.Timeout(30.0, connect=5.0)
        ),
    )
    return found


def _client(order: Order) -> Any:
    url = order.base_url or URL
    return order.shared.client(
        ("mistral", url, order.api_key),
        lambda tls: Mistral(
            api_key=order.api_key,
            server_url=url,
            async_client=_connections(order),
            client=httpx.Client(
                verify=tls
            ),  # else it makes one, with a context of its own
        ),
    )


def prepare(order: Order) -> None:
    _client(order)


def llm(order: Order) -> lk_llm.LLM[Any]:
    config = order.config
    return mistralai.LLM(
        client=_client(order),
        model=order.model,
        temperature=config.temperature,
        # The plugin's default keeps every conversation on Mistral's servers.
        api_mode="chat_completions",
    )


def stt(order: Order) -> lk_stt.STT[Any]:
    config = order.config
    return mistralai.STT(
        client=_client(order),
        model=order.model,
        # A realtime model says nothing of where an utterance ends.
        vad=inference.VAD(executor=order.shared.inline),
        **given(language=order.language, context_bias=config.keyterms),
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    return mistralai.TTS(
        client=_client(order),
        model=order.model,
        voice=order.config.voice_id,
        response_format="pcm",  # nothing to decode
    )
