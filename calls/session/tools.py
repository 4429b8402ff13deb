"""The functions a model may call: ending and handing on the call, and its owner's own.

The latter are run by a `ToolRunner` or by whoever defined them; this room makes no
requests. What a session cannot do it does not offer: functions without a runner. A
model is told what went wrong in a sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from livekit.agents import RunContext, llm

from assistants.spec import AssistantSpec
from assistants.tool_shapes import (
    END_CALL,
    TRANSFER_CALL,
    Destination,
    EndCallTool,
    FunctionTool,
    TransferCallTool,
)
from calls.session.clock import CallClock
from calls.session.events import SessionEvent, ToolCalled
from calls.session.patience import Patience
from calls.session.ports import ForeignTool, ToolFailed, ToolRunner, TransferFailed

END_CALL_DESCRIPTION = (
    "End the phone call. Say goodbye in the same answer. Use it when the caller says "
    "goodbye or asks to hang up, or when there is nothing left to do."
)
TRANSFER_DESCRIPTION = (
    "Hand the caller to somebody else, and leave the call. Say so first, in the same "
    "answer. Choose the destination by its description:\n{destinations}"
)
ACCEPTED = "Accepted; it is being done while you go on talking."
TOO_SLOW = "It took too long and was stopped."
CALL_ENDED = "The call ended before it was done."
TRANSFERRED = "The caller is with the other side now."
NO_SUCH_DESTINATION = "There is no such destination. Choose one of the list."

RawTool = llm.RawFunctionTool[..., Any]
NOTHING: dict[str, Any] = {"type": "object", "properties": {}}


class Toolbox:
    """Makes a session's tools and tells of every call of one."""

    def __init__(
        self,
        clock: CallClock,
        patience: Patience,
        *,
        put: Callable[[SessionEvent], None],
        end_call: Callable[[RunContext[None]], None],
        transfer: Callable[[Destination, RunContext[None]], Awaitable[None]],
        say: Callable[[str], object],
        runner: ToolRunner | None,
    ) -> None:
        self._clock, self._patience = clock, patience
        self._put, self._end_call, self._transfer = put, end_call, transfer
        self._say = say
        self._awaited: set[asyncio.Task[str]] = set()
        self._left_running: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._runner = runner

    def tools_of(
        self, spec: AssistantSpec, foreign: Sequence[ForeignTool] = ()
    ) -> list[llm.Tool | llm.Toolset]:
        """The tools of an assistant, each once however often it was listed.

        The owner's own come before foreign ones of the same name.
        """
        tools: dict[str, llm.Tool | llm.Toolset] = {}
        for tool in spec.llm_config.tools:
            if isinstance(tool, EndCallTool):
                tools[END_CALL] = self._ending()
            elif isinstance(tool, TransferCallTool):
                tools[TRANSFER_CALL] = self._transferring(tool)
            elif isinstance(tool, FunctionTool) and self._runner is not None:
                tools[tool.name] = self._function(tool, self._runner)
        if spec.autonomous_silence_handling:
            tools.setdefault(END_CALL, self._ending())
        for one in foreign:
            tools.setdefault(one.name, self._foreign(one))
        return list(tools.values())

    # --- each kind of tool ---

    def _ending(self) -> RawTool:
        async def end_call(
            raw_arguments: dict[str, object], context: RunContext[None]
        ) -> None:
            started_ms = self._clock.now_ms()
            self._end_call(context)
            self._tell(END_CALL, dict(raw_arguments), "ended", False, started_ms)

        return _tool(end_call, END_CALL, END_CALL_DESCRIPTION, NOTHING)

    def _transferring(self, tool: TransferCallTool) -> RawTool:
        known = {one.number: one for one in tool.destinations}

        async def transfer_call(
            raw_arguments: dict[str, object], context: RunContext[None]
        ) -> str | None:
            arguments, started_ms = dict(raw_arguments), self._clock.now_ms()
            wanted = known.get(str(arguments.get("destination", "")))
            if wanted is None and len(known) == 1:
                wanted = tool.destinations[0]
            try:
                if wanted is None:
                    raise TransferFailed(NO_SUCH_DESTINATION)
                await self._transfer(wanted, context)
            except TransferFailed as error:
                self._tell(TRANSFER_CALL, arguments, str(error), True, started_ms)
                raise llm.ToolError(str(error)) from error
            self._tell(TRANSFER_CALL, arguments, TRANSFERRED, False, started_ms)
            return None  # nothing is left to say

        listed = "\n".join(
            f"- {one.number}: {one.description or 'no description'}"
            for one in tool.destinations
        )
        parameters = {
            "type": "object",
            "properties": {
                "destination": {
                    "type": "string",
                    "enum": list(known),
                    "description": "The number or address to hand the caller to.",
                }
            },
            "required": ["destination"],
        }
        description = TRANSFER_DESCRIPTION.format(destinations=listed)
        return _tool(transfer_call, TRANSFER_CALL, description, parameters)

    def _function(self, tool: FunctionTool, runner: ToolRunner) -> RawTool:
        async def call(
            raw_arguments: dict[str, object], context: RunContext[None]
        ) -> str:
            arguments = dict(raw_arguments)
            use_id = context.function_call.call_id
            if tool.message:
                self._say(tool.message)

            def start() -> Coroutine[Any, Any, str]:
                return runner.run(tool, arguments, use_id=use_id)

            if tool.run_async:
                self._leave_running(self._run_quietly(tool.name, arguments, start))
                return ACCEPTED
            return await self._run(tool.name, arguments, start)

        definition = tool.function
        return _tool(
            call,
            definition.name,
            definition.description,
            definition.parameters or NOTHING,
        )

    def _foreign(self, tool: ForeignTool) -> RawTool:
        async def call(raw_arguments: dict[str, object]) -> str:
            arguments = dict(raw_arguments)

            async def start() -> str:
                return await tool.run(arguments)

            limit_s = tool.limit_s + 1  # it keeps its own limit, and says so better
            return await self._run(tool.name, arguments, start, limit_s=limit_s)

        return _tool(call, tool.name, tool.description, tool.parameters or NOTHING)

    # --- running what others do ---

    async def _run(
        self,
        name: str,
        arguments: dict[str, Any],
        start: Callable[[], Coroutine[Any, Any, str]],
        *,
        is_awaited: bool = True,
        limit_s: float | None = None,
    ) -> str:
        started_ms = self._clock.now_ms()
        work = asyncio.create_task(start())
        if is_awaited:
            self._awaited.add(work)
            work.add_done_callback(self._awaited.discard)
        try:
            async with asyncio.timeout(limit_s or self._patience.tool_s):
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
        self,
        name: str,
        arguments: dict[str, Any],
        start: Callable[[], Coroutine[Any, Any, str]],
    ) -> None:
        try:
            await self._run(name, arguments, start, is_awaited=False)
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


def _tool(
    run: Callable[..., Awaitable[Any]],
    name: str,
    description: str,
    parameters: dict[str, Any],
) -> RawTool:
    return llm.function_tool(
        run,
        raw_schema={
            "name": name,
            "description": description,
            "parameters": parameters,
        },
    )
