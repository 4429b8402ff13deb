"""A model that gives the script's answers in order."""

from __future__ import annotations

import asyncio
from typing import Any

from livekit.agents import APIConnectOptions, llm
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr

from tests.fakes.script import Answer, Script

PROMPT_TOKENS = 10


class FakeLLM(llm.LLM):
    """Answer after the scripted wait; count ten tokens in and one for each word out."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script
        self.requests: list[llm.ChatContext] = []
        self.offered_tools: list[str] = []
        self.is_closed = False

    @property
    def provider(self) -> str:
        return "fake-llm"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        self.requests.append(chat_ctx.copy())  # it goes on to change
        self.offered_tools = [tool.id for tool in tools or []]
        reply = self.script.answers.pop(0) if self.script.answers else Answer("Yes.")
        return _Stream(self, reply, chat_ctx, tools or [], conn_options)

    async def aclose(self) -> None:
        self.is_closed = True
        await super().aclose()


class _Stream(llm.LLMStream):
    def __init__(
        self,
        parent: FakeLLM,
        reply: Answer,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        self._reply = reply
        super().__init__(
            parent, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options
        )

    async def _run(self) -> None:
        reply = self._reply
        words = reply.text.split(" ") if reply.text else []
        if reply.fails is not None:
            if reply.fails.work_first:
                await asyncio.sleep(reply.after_s)
                self._send(words[: (len(words) + 1) // 2])
            await asyncio.sleep(reply.fails.after_s)
            if reply.fails.error is None:
                await asyncio.Event().wait()
            else:
                raise reply.fails.error
        await asyncio.sleep(reply.after_s)
        self._send(words)
        for index, use in enumerate(reply.calls):
            call = llm.FunctionToolCall(
                name=use.name,
                arguments=use.arguments,
                call_id=f"call_{id(self)}_{index}",
            )
            self._chunk(llm.ChoiceDelta(role="assistant", tool_calls=[call]))
        self._event_ch.send_nowait(
            llm.ChatChunk(
                id="chunk",
                usage=llm.CompletionUsage(
                    completion_tokens=len(words),
                    prompt_tokens=PROMPT_TOKENS,
                    total_tokens=PROMPT_TOKENS + len(words),
                ),
            )
        )

    def _send(self, words: list[str]) -> None:
        for index, word in enumerate(words):
            text = word if index == 0 else f" {word}"
            self._chunk(llm.ChoiceDelta(role="assistant", content=text))

    def _chunk(self, delta: llm.ChoiceDelta) -> None:
        self._event_ch.send_nowait(llm.ChatChunk(id="chunk", delta=delta))
