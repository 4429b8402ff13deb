"""The functions a model may call: `end_call`, and those the assistant's owner wrote.

The latter are run by a `ToolRunner` from outside; this room makes no requests. A
session without one does not offer them. A model is told what went wrong in a sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from livekit.agents import RunContext, llm

from assistants.spec import AssistantSpec, EndCallTool, FunctionTool
from calls.session.clock import CallClock
from calls.session.events import SessionEvent, ToolCalled
from calls.session.patience import Patience
from calls.session.ports import ToolFailed, ToolRunner

END_CALL = "end_call"
END_CALL_DESCRIPTION = (
    "End the phone call. Say goodbye in the same answer. Use it when the caller says "
    "goodbye or asks to hang up, or when there is nothing left to do."
)
ACCEPTED = "Accepted; it is being done while you go on talking."
TOO_SLOW = "It took too long and was stopped."
CALL_ENDED = "The call ended before it was done."


class Toolbox:
    """Makes a session's tools and tells of every call of one."""

    def __init__(
        self,
        clock: CallClock,
        patience: Patience,
        *,
        put: Callable[[SessionEvent], None],
        end_call: Callable[[RunContext[None]], None],
        say: Callable[[str], object],
        runner: ToolRunner | None,
    ) -> None:
        self._clock, self._patience = clock, patience
        self._put, self._end_call = put, end_call
        self._say = say
        self._awaited: set[asyncio.Task[str]] = set()
        self._left_running: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._runner = runner

    def tools_of(self, spec: AssistantSpec) -> list[llm.Tool | llm.Toolset]:
        """The tools of an assistant, each once however often it was listed."""
        tools: dict[str, llm.Tool | llm.Toolset] = {}
        for tool in spec.llm_config.tools:
            if isinstance(tool, EndCallTool):
                tools[END_CALL] = self._ending()
            elif self._runner is not None:
                tools[tool.function.name] = self._function(tool, self._runner)
        return list(tools.values())

    def _ending(self) -> llm.RawFunctionTool[..., Any]:
        async def end_call(
            raw_arguments: dict[str, object], context: RunContext[None]
        ) -> None:
            started_ms = self._clock.now_ms()
            self._end_call(context)
            self._tell(END_CALL, dict(raw_arguments), "ended", False, started_ms)

        return llm.function_tool(
            end_call,
            raw_schema={
                "name": END_CALL,
                "description": END_CALL_DESCRIPTION,
                "parameters": {"type": "object", "properties": {}},
            },
        )

    def _function(
        self, tool: FunctionTool, runner: ToolRunner
    ) -> llm.RawFunctionTool[..., Any]:
        async def call(
            raw_arguments: dict[str, object], context: RunContext[None]
        ) -> str:
            arguments = dict(raw_arguments)
            if tool.message:
                self._say(tool.message)
            if tool.run_async:
                self._leave_running(self._run_quietly(tool, runner, arguments))
                return ACCEPTED
            return await self._run(tool, runner, arguments)

        definition = tool.function
        return llm.function_tool(
            call,
            raw_schema={
                "name": definition.name,
                "description": definition.description,
                "parameters": definition.parameters
                or {"type": "object", "properties": {}},
            },
        )

    async def _run(
        self, tool: FunctionTool, runner: ToolRunner, arguments: dict[str, Any]
    ) -> str:
        started_ms, name = self._clock.now_ms(), tool.function.name
        work = asyncio.create_task(runner.run(tool, arguments))
        if not tool.run_async:
            self._awaited.add(work)
            work.add_done_callback(self._awaited.discard)
        try:
            async with asyncio.timeout(self._patience.tool_s):
                result = await work
        except (ToolFailed, TimeoutError) as error:
            message = str(error) if isinstance(error, ToolFailed) else TOO_SLOW
            self._tell(name, arguments, message, True, started_ms)
            raise llm.ToolError(message) from error
        except asyncio.CancelledError:
            if not self._is_closed or not work.cancelled():
                raise
            self._tell(name, arguments, CALL_ENDED, True, started_ms)
            raise llm.ToolError(CALL_ENDED) from None
        self._tell(name, arguments, result, False, started_ms)
        return result

    async def _run_quietly(
        self, tool: FunctionTool, runner: ToolRunner, arguments: dict[str, Any]
    ) -> None:
        try:
            await self._run(tool, runner, arguments)
        except llm.ToolError:
            return  # the event says so; the model has gone on

    def _leave_running(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="session-tool")
        self._left_running.add(task)
        task.add_done_callback(self._left_running.discard)

    async def aclose(self) -> None:
        """Stop what the call waited for; let the rest finish, within a time limit."""
        self._is_closed = True
        for work in self._awaited:
            work.cancel()
        if left := set(self._left_running):
            _, late = await asyncio.wait(left, timeout=self._patience.close_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _tell(
        self,
        name: str,
        arguments: dict[str, Any],
        result: str,
        is_error: bool,
        started_ms: int,
    ) -> None:
        self._put(
            ToolCalled(
                name=name,
                arguments=arguments,
                result=result,
                is_error=is_error,
                started_ms=started_ms,
                ended_ms=self._clock.now_ms(),
            )
        )
