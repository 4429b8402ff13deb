"""Notices that an outbound call reached a machine, by the first words it hears."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from assistants.spec import AssistantSpec
from calls.session.events import EventSink, SessionEvent, Speaker, TurnSpoken
from calls.session.voicemail import sounds_like_voicemail


class VoicemailWatch:
    """Passes every event on and calls `on_voicemail` once if the first turn is a greeting.

    Only the caller's first turn counts: later on, people speak of voicemail too.
    """

    def __init__(
        self,
        sink: EventSink,
        spec: AssistantSpec,
        on_voicemail: Callable[[], Awaitable[None]],
    ) -> None:
        self._sink = sink
        self._language = spec.language
        self._on_voicemail = on_voicemail
        self._has_heard = False

    async def __call__(self, event: SessionEvent) -> None:
        await self._sink(event)
        if (
            self._has_heard
            or not isinstance(event, TurnSpoken)
            or event.speaker is not Speaker.USER
        ):
            return
        self._has_heard = True
        if sounds_like_voicemail(event.text, self._language):
            await self._on_voicemail()
