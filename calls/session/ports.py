"""What a session needs from outside: vendors, and someone to run functions.

The rooms that provide these are siblings; they fit these shapes without importing them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from livekit.agents import llm, stt, tts, vad

from assistants.tool_shapes import FunctionTool


class Vendors(Protocol):
    """Fresh vendor objects of one call, never shared with another.

    Keys of both mappings are the stages `stt`, `llm` and `tts`.
    """

    @property
    def stt(self) -> stt.STT[Any]: ...

    @property
    def llm(self) -> llm.LLM[Any]: ...

    @property
    def tts(self) -> tts.TTS[Any]: ...

    @property
    def vad(self) -> vad.VAD: ...

    @property
    def owners(self) -> Mapping[str, str]:
        """Stage to whose key it runs on: `organization` or `platform`."""

    @property
    def providers(self) -> Mapping[str, str]:
        """Stage to provider name."""


class ToolFailed(Exception):
    """A function did not work. The model is told the message: no secrets in it."""


class ToolRunner(Protocol):
    """Runs the functions an assistant may call."""

    async def run(
        self, tool: FunctionTool, arguments: dict[str, Any], *, use_id: str
    ) -> str:
        """Return what the model is told. `use_id` names this use of the function.

        Raises:
            ToolFailed: with a message for the model.
        """


@dataclass(frozen=True)
class ForeignTool:
    """A tool that somebody else defines and runs, such as one of an MCP server."""

    name: str
    description: str
    parameters: dict[str, Any]
    run: Callable[[dict[str, Any]], Awaitable[str]]  # raises `ToolFailed`
    source: str


class TransferFailed(Exception):
    """The call stays where it is. The model is told the message."""


class Transfer(Protocol):
    """Hands the caller to somebody else; given to a session whose transport can."""

    async def transfer(self, destination: str, message: str | None) -> None:
        """Return when the other end has taken the call; `message` was spoken before.

        `destination` is a number in full (+31…) or a SIP address.

        Raises:
            TransferFailed: with a message for the model.
        """
