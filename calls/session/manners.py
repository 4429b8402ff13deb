"""What an assistant does unasked: look after a silent caller, and end on a phrase."""

from __future__ import annotations

from collections.abc import Callable

from assistants.spec import AssistantSpec
from calls.session.ending import Ending
from calls.session.events import EndReason, SessionEvent
from calls.session.phrases import EndPhrases
from calls.session.silence import SilenceWatch


class Manners:
    """Passes every event of a session on, and acts on it."""

    def __init__(
        self,
        spec: AssistantSpec,
        *,
        put: Callable[[SessionEvent], None],
        check: Callable[[str | None], None],
        ask_for: Callable[[Ending], None],
    ) -> None:
        self._put, self._ask_for = put, ask_for
        self._phrases = EndPhrases(spec.speech_config.end_call_phrases)
        self._final_message = spec.speech_config.silence.final_message
        self._silence: SilenceWatch | None = None
        if spec.autonomous_silence_handling:
            self._silence = SilenceWatch(
                spec.speech_config.silence, check=check, hang_up=self._give_up
            )

    def see(self, event: SessionEvent) -> None:
        """Tell of an event, then do what it calls for."""
        self._put(event)
        if self._silence is not None:
            self._silence.see(event)
        if self._phrases.ends(event):
            self._ask_for(Ending(EndReason.ASSISTANT_HANGUP))

    def close(self) -> None:
        """The call is ending: nobody is looked after any more."""
        if self._silence is not None:
            self._silence.close()
            self._silence = None
        self._ask_for = _nothing

    def _give_up(self) -> None:
        self._ask_for(Ending(EndReason.CALLER_SILENT, farewell=self._final_message))


def _nothing(ending: Ending) -> None:
    """The call is ending already."""
