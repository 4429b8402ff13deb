"""What a call's policy asks for while it goes on.

    session ──events──▶ Discretion ──▶ scribe
                          │ personal data taken out of texts
                          │ the stretches of sound to silence, kept for the recording
                          ╰ what was heard of the AI disclosure, once

It stands before everything that stores, shows or sends.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from calls.media.silencing import Side, Stretch
from calls.session.events import (
    Caption,
    Disclosed,
    EventSink,
    SessionEvent,
    Speaker,
    ToolCalled,
    TransferAsked,
    TurnSpoken,
)
from common.redaction import redact, redact_json
from portal.policy import Policy

_SIDES: Final[dict[Speaker, Side]] = {
    Speaker.USER: "caller",
    Speaker.ASSISTANT: "assistant",
}


class Discretion:
    """Hand a session's events on, with what the policy forbids taken out of them."""

    def __init__(
        self,
        sink: EventSink,
        policy: Policy,
        disclosure: str,
        names: Collection[str] = (),
    ) -> None:
        self.stretches: list[Stretch] = []
        self._sink = sink
        self._kinds, self._names = policy.redacted, names
        self._disclosure = disclosure  # the words, until it is known what was heard

    async def __call__(self, event: SessionEvent) -> None:
        if self._disclosure and isinstance(event, TurnSpoken):
            await self._prove(event)
        if self._kinds:
            event = self._cleaned(event)
        await self._sink(event)

    async def _prove(self, turn: TurnSpoken) -> None:
        """Tell once how much of the disclosure was heard: the first turn says it."""
        if turn.speaker is not Speaker.ASSISTANT:
            return
        words, self._disclosure = self._disclosure, ""
        is_whole = _plain(words) in _plain(turn.text)
        await self._sink(
            Disclosed(
                text=words,
                heard=words if is_whole else turn.text[: len(words)],
                is_whole=is_whole,
                at_ms=turn.started_ms,
            )
        )

    def _cleaned(self, event: SessionEvent) -> SessionEvent:
        match event:
            case TurnSpoken():
                done = redact(event.text, self._kinds, self._names)
                if done.found:
                    side = _SIDES[event.speaker]
                    self.stretches.append(
                        Stretch(side, event.started_ms, event.ended_ms)
                    )
                return replace(event, text=done.text)
            case Caption():
                return replace(event, text=self._text(event.text))
            case ToolCalled():
                return replace(
                    event,
                    arguments=redact_json(event.arguments, self._kinds, self._names),
                    result=self._text(event.result),
                )
            case TransferAsked():
                message = event.message and self._text(event.message)
                return replace(event, message=message)
        return event

    def _text(self, text: str) -> str:
        return redact(text, self._kinds, self._names).text


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
