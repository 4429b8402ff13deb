"""What a session needs from outside: vendors, and someone to run functions.

The rooms that provide these are siblings; they fit these shapes without importing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from livekit.agents import llm, stt, tts, vad

from assistants.spec import FunctionTool


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

    async def run(self, tool: FunctionTool, arguments: dict[str, Any]) -> str:
        """Return what the model is told.

        Raises:
            ToolFailed: with a message for the model.
        """
