"""xAI: Grok over OpenAI's API, its voices, and its realtime model."""

from __future__ import annotations

from typing import Any

import aiohttp
from livekit.agents import llm as lk_llm, tokenize, tts as lk_tts
from livekit.plugins import xai
from livekit.plugins.xai.tools import FileSearch, WebSearch, XSearch
from openai.types.realtime import AudioTranscription
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad
from openai.types.realtime.realtime_reasoning import RealtimeReasoning

from assistants.realtime_shapes import (
    ProviderTool,
    RealtimeTranscription,
    TurnDetection,
    XSearch as XSearchShape,
)
from calls.vendors.order import CONNECT, Order, given
from calls.vendors.plugins import openai

URL = "https://api.x.ai/v1"
TRANSCRIBER = "grok-transcribe"


def llm(order: Order) -> lk_llm.LLM[Any]:
    return openai.llm(order, URL)


def tts(order: Order) -> lk_tts.TTS[Any]:
    session: Any = order.shared.http
    if order.base_url:
        session = _Elsewhere(session, order.base_url)
    return xai.TTS(
        voice=order.config.voice_id,
        language=order.language or "auto",
        api_key=order.api_key,
        http_session=session,
        # The plugin's own drops the spaces, and so what it says is one long word.
        tokenizer=tokenize.basic.WordTokenizer(
            ignore_punctuation=False, retain_format=True
        ),
    )


def realtime(order: Order) -> Any:
    config = order.config
    url = order.base_url or URL
    return xai.realtime.RealtimeModel(
        model=order.model,
        conn_options=CONNECT,
        voice=config.voice or order.provider.default_voice,
        api_key=order.api_key,
        base_url=f"{url.rstrip('/').replace('http', 'ws', 1)}/realtime",
        input_audio_transcription=_transcription(config.transcription),
        http_session=order.shared.http,
        **given(
            turn_detection=_server_vad(config.turn_detection or TurnDetection()),
            reasoning=_reasoning(config.reasoning_effort or "none"),
            speed=config.speed,
        ),
    )


def tools(order: Order) -> list[lk_llm.Tool]:
    """The tools xAI runs itself."""
    return [_tool(tool) for tool in order.config.provider_tools or ()]


def _tool(tool: ProviderTool) -> lk_llm.Tool:
    if tool.type == "web_search":
        return WebSearch()  # type: ignore[call-arg]  # a dataclass without fields
    if isinstance(tool, XSearchShape):
        handles = tool.allowed_x_handles
        return XSearch(allowed_x_handles=list(handles) if handles else None)
    return FileSearch(
        vector_store_ids=list(tool.vector_store_ids),
        max_num_results=tool.max_num_results,
    )


def _server_vad(chosen: TurnDetection) -> ServerVad:
    return ServerVad(
        type="server_vad",
        threshold=chosen.threshold,
        prefix_padding_ms=chosen.prefix_padding_ms,
        silence_duration_ms=chosen.silence_duration_ms,
        idle_timeout_ms=chosen.idle_timeout_ms or None,
        create_response=True,
        interrupt_response=True,
    )


def _reasoning(effort: Any) -> RealtimeReasoning:
    # "none" is xAI's own; the type knows OpenAI's alone.
    return RealtimeReasoning.model_construct(effort=effort)


def _transcription(chosen: RealtimeTranscription | None) -> AudioTranscription:
    values: dict[str, Any] = {"model": TRANSCRIBER}
    if chosen is not None:
        values |= given(language=chosen.language_hint, keyterms=chosen.keyterms)
    return AudioTranscription.model_construct(**values)


class _Elsewhere:
    """A client session that dials another server than the plugin's one address."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/").replace("http", "ws", 1)

    def ws_connect(self, url: str, **options: Any) -> Any:
        _fixed, separator, rest = url.partition("/v1/")
        assert separator
        return self._session.ws_connect(f"{self._base_url}/{rest}", **options)
