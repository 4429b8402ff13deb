"""What a session needs from outside: vendors, and someone to run functions.

The rooms that provide these are siblings; they fit these shapes without importing them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from livekit.agents import llm, stt, tts, vad
from livekit.agents.llm import Tool

from assistants.tool_shapes import FunctionTool


class Trouble(Protocol):
    """A vendor's failure, judged: `reason` is for people, without key or content."""

    @property
    def reason(self) -> str: ...

    @property
    def retryable(self) -> bool:
        """Whether the same request may work in a moment."""

    @property
    def provider(self) -> str: ...

    @property
    def owner(self) -> str:
        """Whose key it was."""


class Vendors(Protocol):
    """Fresh vendor objects of one call, never shared with another.

    Keys of both mappings are the stages `stt`, `llm` and `tts`. A realtime model is
    `llm`, and there is no `stt` and no `tts`.
    """

    @property
    def stt(self) -> stt.STT[Any] | None: ...

    @property
    def llm(self) -> llm.LLM[Any] | llm.RealtimeModel | llm.DuplexModel: ...

    @property
    def tts(self) -> tts.TTS[Any] | None: ...

    @property
    def vad(self) -> vad.VAD: ...

    @property
    def owners(self) -> Mapping[str, str]:
        """Stage to whose key it runs on: `organization` or `platform`."""

    @property
    def providers(self) -> Mapping[str, str]:
        """Stage to provider name."""

    @property
    def tools(self) -> Sequence[Tool]:
        """Tools that a realtime vendor runs itself."""

    def trouble(self, stage: str, error: BaseException) -> Trouble:
        """What an error of a stage means, and who it concerns."""

    def has_stand_in(self, stage: str) -> bool:
        """Whether another provider could serve a stage."""

    def take_over(self, stage: str) -> bool:
        """Put a stage's next provider to work; False when there is none (left)."""


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
    limit_s: float = 20.0


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
