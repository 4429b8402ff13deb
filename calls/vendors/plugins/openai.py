"""OpenAI, and every server that speaks its API."""

from __future__ import annotations

from typing import Any

from livekit.agents import llm as lk_llm, tts as lk_tts
from livekit.plugins import openai

from assistants.catalogue import Stage
from calls.vendors.errors import NoCredential
from calls.vendors.order import CONNECT, Order, given

# Said outright, as the client else reads OPENAI_BASE_URL itself and would send an
# organization's key to the installation's own server.
URL = "https://api.openai.com/v1"


def llm(order: Order, url: str = URL) -> lk_llm.LLM[Any]:
    config = order.config
    if order.provider.needs_base_url and not order.base_url:
        raise NoCredential(stage=Stage.LLM, provider="an own server")
    effort = order.reasoning_effort
    return openai.LLM(
        model=order.model,
        client=order.shared.openai_client(
            order.api_key or "none",
            order.base_url or url,
            is_guarded=order.credential.is_foreign_address,
        ),
        # Models that reason refuse any other temperature than their own, unless told
        # not to reason at all.
        **given(
            temperature=config.temperature if effort in (None, "none") else None,
            max_completion_tokens=config.max_completion_tokens,
            reasoning_effort=effort,
        ),
        # Strict schemas refuse functions whose parameters are partly optional, and
        # own servers do not know them.
        _strict_tool_schema=False,
    )


def tts(order: Order) -> lk_tts.TTS[Any]:
    config = order.config
    return openai.TTS(
        model=order.model,
        voice=config.voice_id,
        speed=config.speed,
        response_format="pcm",
        client=order.shared.openai_client(order.api_key, order.base_url or URL),
        **given(instructions=config.instructions),
    )


def realtime(order: Order) -> Any:
    """GPT Live: it talks, and a model behind it thinks and uses the tools."""
    config = order.config
    behind = config.delegation
    model = behind.model if behind else order.provider.thinking_model or ""
    instructions = behind.instructions if behind else None
    return openai.realtime.GPTLiveModel(
        model=order.model,
        conn_options=CONNECT,
        voice=config.voice or order.provider.default_voice,
        responses_options={
            "model": model,
            "instructions": instructions or config.instructions,
        },
        api_key=order.api_key,
        base_url=order.base_url or URL,
        http_session=order.shared.http,
    )
