"""A call held by a realtime model over a real socket, in real time."""

from __future__ import annotations

from typing import Any

from assistants.spec import AssistantSpec
from calls.session.events import SessionEnded, SessionEvent, TurnSpoken
from calls.session.patience import Patience
from calls.session.voice_session import VoiceSession
from calls.vendors.registry import (
    Credential,
    SharedResources,
    build_vendors,
    prepare_vendors,
)
from tests.fakes.link import FakeLink
from tests.fakes.script import script, user_says


def realtime_spec(provider: str, **llm: Any) -> AssistantSpec:
    """An assistant whose realtime model has one instruction."""
    config = {
        "provider": provider,
        "model": llm.pop("model"),
        "messages": [{"role": "system", "content": "You are Ann."}],
        **llm,
    }
    return AssistantSpec.model_validate(
        {"name": "Ann", "first_message": "Hello there.", "llm_config": config}
    )


class RealtimeCall:
    """The caller speaks from 2.5 s to 3.3 s and hangs up at `hangs_up_s`."""

    def __init__(self, spec: AssistantSpec, credentials: dict[str, Credential]) -> None:
        self.spec, self.credentials = spec, credentials
        self.events: list[SessionEvent] = []
        self.link = FakeLink(script(user_says("x", from_s=2.5, to_s=3.3)))

    async def run(self, *, hangs_up_s: float = 6.0) -> SessionEnded:
        self.link.ends_at_s = hangs_up_s
        async with SharedResources() as shared:
            await prepare_vendors(self.spec, self.credentials, shared)
            vendors = build_vendors(self.spec, self.credentials, shared)
            session = VoiceSession(
                self.spec,
                self.link,
                vendors,
                self._hear,
                patience=Patience(retry_after_s=0.05),
            )
            return await session.run()

    async def _hear(self, event: SessionEvent) -> None:
        self.events.append(event)

    @property
    def said(self) -> list[tuple[str, str]]:
        return [
            (e.speaker.value, e.text) for e in self.events if isinstance(e, TurnSpoken)
        ]
