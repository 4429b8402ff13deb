"""One question to a language model, outside of any call: for analyses and drafts.

Every provider of the catalogue answers through its plugin, with whoever's key pays.
Where the model can, the shape of the answer is enforced; who asks checks it anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from livekit.agents import APIConnectOptions, APIError, APIStatusError, llm

from assistants.spec import AssistantSpec, LLMChoice
from calls.vendors.errors import Owner, ProviderError, provider_error
from calls.vendors.order import Credentials
from calls.vendors.registry import build_mind
from calls.vendors.shared import SharedResources

LIMIT_S: Final = 60.0
MAX_ANSWER_CHARACTERS: Final = 200_000


@dataclass(frozen=True)
class Thought:
    """An answer, what it took, and whose key it took it with."""

    text: str
    owner: Owner
    input_tokens: int = 0
    output_tokens: int = 0


async def think(
    *,
    spec: AssistantSpec,
    choice: LLMChoice,
    credentials: Credentials,
    messages: Sequence[tuple[str, str]],
    shape: dict[str, Any] | None = None,
    limit_s: float = LIMIT_S,
) -> Thought:
    """Ask and return the whole answer; raises `ProviderError` within `limit_s`.

    `shape`: a strict JSON Schema for models that take one; one that refuses it is asked
    again without.
    """
    async with SharedResources() as shared:
        mind, owner = await build_mind(spec, choice, credentials, shared)
        try:
            async with asyncio.timeout(limit_s):
                try:
                    return await _answer(mind, owner, messages, shape)
                except APIStatusError as error:
                    if shape is None or error.status_code not in (400, 422):
                        raise
                    return await _answer(mind, owner, messages, None)
        except (APIError, TimeoutError) as error:
            raise provider_error(
                error, stage="llm", provider=choice.provider, owner=owner
            ) from error
        finally:
            await mind.aclose()


async def _answer(
    mind: llm.LLM[Any],
    owner: Owner,
    messages: Sequence[tuple[str, str]],
    shape: dict[str, Any] | None,
) -> Thought:
    context = llm.ChatContext.empty()
    for role, content in messages:
        context.add_message(
            role="system" if role == "system" else "user", content=content
        )
    options: dict[str, Any] = {}
    if shape is not None and _is_openai_shaped(mind):
        schema = {"name": "result", "strict": True, "schema": shape}
        options["extra_kwargs"] = {
            "response_format": {"type": "json_schema", "json_schema": schema}
        }
    text, spent = "", (0, 0)
    connect = APIConnectOptions(max_retry=1, timeout=LIMIT_S)
    async with mind.chat(chat_ctx=context, conn_options=connect, **options) as stream:
        async for chunk in stream:
            if chunk.usage is not None:
                spent = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
            if chunk.delta is not None and chunk.delta.content:
                text += chunk.delta.content
                if len(text) > MAX_ANSWER_CHARACTERS:
                    raise APIError("the answer has no end")
    return Thought(text, owner, *spent)


def _is_openai_shaped(mind: llm.LLM[Any]) -> bool:
    return any(
        base.__module__.startswith("livekit.plugins.openai")
        for base in type(mind).__mro__
    )


__all__ = ["ProviderError", "Thought", "think"]
