"""Anthropic's models."""

from __future__ import annotations

from typing import Any

import anthropic as client_library
import httpx2
from livekit.agents import llm as lk_llm
from livekit.plugins import anthropic

from calls.vendors.order import Order, given

URL = "https://api.anthropic.com"
MAX_TOKENS = 1_024  # what the plugin asks for when nothing is said


def _client(order: Order) -> Any:
    url = order.base_url or URL
    return order.shared.client(
        ("anthropic", url, order.api_key),
        lambda tls: client_library.AsyncClient(
            api_key=order.api_key,
            base_url=url,
            max_retries=0,
            http_client=httpx2.AsyncClient(
                verify=tls,
                timeout=httpx2.Timeout(5.0, read=30.0),
                follow_redirects=True,
            ),
        ),
    )


def prepare(order: Order) -> None:
    _client(order)


def llm(order: Order) -> lk_llm.LLM[Any]:
    config = order.config
    return anthropic.LLM(
        model=order.model,
        api_key=order.api_key,
        client=_client(order),
        temperature=min(1.0, config.temperature),  # theirs ends at 1
        caching="ephemeral",  # instructions and tools are the same all call long
        _strict_tool_schema=False,
        **given(max_tokens=config.max_completion_tokens or MAX_TOKENS),
    )
