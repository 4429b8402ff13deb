"""Runs the functions of an assistant over webhooks, for one call.

A tool's own address goes before the assistant's, and that before the organization's;
`portal.webhooks.asking` signs and bounds the request. What came back becomes one text
for the model: `{"results": […]}`, `{"result": …}`, `{"error": …}` or any JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from assistants.tool_shapes import FunctionTool
from calls.node import database
from calls.services.equipment import Equipment
from calls.session.ports import ToolFailed
from portal.models import Organization
from portal.webhooks import kinds
from portal.webhooks.asking import TOOL_CALLS_S, Listener, Reply, ask, note_question

logger = logging.getLogger(__name__)

MAX_RESULT_CHARACTERS: Final = 8_000
NOWHERE: Final = "No address is set for this function."
DONE: Final = "Done."


class WebhookTools:
    """A `ToolRunner`. `aclose` writes down what is still to be written."""

    def __init__(
        self, call_id: UUID, equipment: Equipment, names: Collection[str] = ()
    ) -> None:
        self._call_id, self._equipment = call_id, equipment
        self._names = names  # what the log of questions does not tell
        self._noting: set[asyncio.Task[None]] = set()

    async def run(
        self, tool: FunctionTool, arguments: dict[str, Any], *, use_id: str
    ) -> str:
        """Send the call of a function; return what its owner's service answered."""
        listener = self._equipment.listeners.get(tool.name)
        if listener is None:
            raise ToolFailed(NOWHERE)
        used = {
            "id": use_id,
            "type": "function",
            "function": {"name": tool.name, "arguments": arguments},
        }
        data = {**self._equipment.envelope, "tool_call_list": [used]}
        reply = await ask(
            listener, kind=kinds.TOOL_CALLS, data=data, timeout_s=TOOL_CALLS_S
        )
        self._note(listener, reply)
        return result_of(reply, use_id)

    def _note(self, listener: Listener, reply: Reply) -> None:
        organization = self._equipment.organization
        if listener.endpoint_id is None or organization is None:
            return
        task = asyncio.create_task(
            self._write(organization, listener, reply), name="tool-note"
        )
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def _write(
        self, organization: Organization, listener: Listener, reply: Reply
    ) -> None:
        try:
            await database.ask(
                note_question,
                organization=organization,
                listener=listener,
                kind=kinds.TOOL_CALLS,
                reply=reply,
                call_id=self._call_id,
                names=self._names,
            )
        except database.AWAY:
            logger.warning("tool call not in the delivery log")

    async def aclose(self) -> None:
        """Wait for the log; it has its own limits."""
        if self._noting:
            await asyncio.wait(self._noting)


def result_of(reply: Reply, use_id: str) -> str:
    """Return what the model is told, or raise `ToolFailed` with it."""
    if reply.error:
        if reply.answer is not None and reply.answer.is_success:
            return _cut(reply.answer.body.decode("utf-8", "replace"))  # text, not JSON
        raise ToolFailed(f"The service failed: {reply.error}")
    value = reply.value
    if isinstance(value, Mapping):
        value = _of_this_use(value, use_id)
    if isinstance(value, Mapping):
        if value.get("error"):
            raise ToolFailed(_cut(_text(value["error"])))
        if "result" in value:
            value = value["result"]
    return _cut(_text(value)) or DONE


def _of_this_use(value: Mapping[str, Any], use_id: str) -> Any:
    results = value.get("results")
    if not isinstance(results, list) or not results:
        return value
    for one in results:
        if isinstance(one, Mapping) and one.get("tool_call_id") == use_id:
            return one
    return results[0]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or value == {}:
        return ""
    return json.dumps(value, ensure_ascii=False)


def _cut(text: str) -> str:
    if len(text) <= MAX_RESULT_CHARACTERS:
        return text
    return text[:MAX_RESULT_CHARACTERS] + " … (cut)"
