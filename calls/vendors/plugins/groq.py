"""Groq: open models and Whisper over OpenAI's API, and voices."""

from __future__ import annotations

from typing import Any

from livekit.agents import llm as lk_llm, stt as lk_stt, tts as lk_tts
from livekit.plugins import groq

from calls.vendors.order import Order
from calls.vendors.plugins import openai

URL = "https://api.groq.com/openai/v1"


def llm(order: Order) -> lk_llm.LLM[Any]:
    return openai.llm(order, URL)


def stt(order: Order) -> lk_stt.STT[Any]:
    return groq.STT(
        model=order.model,
        language=(order.language or "en").split("-")[0],
        detect_language=order.language is None,
        api_key=order.api_key,
        client=order.shared.openai_client(order.api_key, order.base_url or URL),
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    return groq.TTS(
        model=order.model,
        voice=order.config.voice_id,
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
    )
