"""One scripted call held by a real `VoiceSession`, and what it told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, TypeVar

from assistants.spec import AssistantSpec
from calls.session.events import (
    Caption,
    SessionEnded,
    SessionEvent,
    Speaker,
    TurnSpoken,
    VendorTrouble,
)
from calls.session.patience import Patience
from calls.session.voice_session import VoiceSession
from calls.vendors.errors import Owner, ProviderError, provider_error
from tests.fakes.link import FakeLink
from tests.fakes.llm import FakeLLM
from tests.fakes.script import Script
from tests.fakes.stt import FakeSTT
from tests.fakes.tts import FakeTTS
from tests.fakes.vad import FakeVAD

E = TypeVar("E")

# Silence that ends a turn; the fake detector needs 0.2 s of it to notice.
ENDPOINTING_S = 0.4
FRAME_S = 0.02  # the resolution of everything that comes or goes as audio


def make_spec(
    first_message: str | None = None,
    *,
    turn_taking: dict[str, Any] | None = None,
    end_call_message: str | None = None,
    tools: tuple[dict[str, Any], ...] = (),
    **fields: Any,
) -> AssistantSpec:
    """An assistant whose vendors are the fakes."""
    return AssistantSpec.model_validate(
        {
            "name": "Ann",
            "first_message": first_message,
            "llm_config": {
                "provider": "fake-llm",
                "model": "fake",
                "messages": [{"role": "system", "content": "You are Ann."}],
                "tools": tools,
            },
            "stt_config": {"provider": "fake-stt", "model": "fake"},
            "tts_config": {"provider": "fake-tts", "voice_id": "fake"},
            "speech_config": {
                "turn_taking": {"endpointing_min_delay": ENDPOINTING_S}
                | (turn_taking or {}),
                "end_call_message": end_call_message,
            },
        }
        | fields
    )


@dataclass
class FakeVendors:
    """A `VendorSet` of one call."""

    script: Script
    owners: dict[str, str] = field(
        default_factory=lambda: {
            "stt": "platform",
            "llm": "organization",
            "tts": "platform",
        }
    )
    providers: dict[str, str] = field(
        default_factory=lambda: {
            "stt": "fake-stt",
            "llm": "fake-llm",
            "tts": "fake-tts",
        }
    )

    tools: tuple[Any, ...] = ()
    # Who stands in, by stage: makes the stage's object and says its name.
    stand_ins: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stt = FakeSTT(self.script)
        self.llm = FakeLLM(self.script)
        self.tts = FakeTTS(self.script)
        self.vad = FakeVAD(self.script)

    def trouble(self, stage: str, error: BaseException) -> ProviderError:
        return provider_error(
            error,
            stage=stage,
            provider=self.providers[stage],
            owner=Owner(self.owners[stage]),
        )

    def has_stand_in(self, stage: str) -> bool:
        return bool(self.stand_ins.get(stage))

    def take_over(self, stage: str) -> bool:
        if not self.has_stand_in(stage):
            return False
        self.providers[stage], vendor = self.stand_ins[stage].pop(0)
        setattr(self, stage, vendor)
        return True


class Conversation:
    """A call and everything it told."""

    def __init__(
        self,
        script: Script,
        spec: AssistantSpec | None = None,
        *,
        link: FakeLink | None = None,
        patience: Patience | None = None,
        **options: Any,
    ) -> None:
        self.events: list[SessionEvent] = []
        self.link = link or FakeLink(script)
        self.vendors = FakeVendors(script)
        self.session = VoiceSession(
            spec or make_spec(),
            self.link,
            self.vendors,
            self._sink,
            patience=patience,
            **options,
        )

    async def _sink(self, event: SessionEvent) -> None:
        self.events.append(event)

    async def run(self, *, hangs_up_s: float | None = None) -> SessionEnded:
        """Hold the conversation; the caller hangs up at a moment if it still runs."""
        self.link.ends_at_s = self.link.ends_at_s or hangs_up_s
        return await self.session.run()

    def start(self) -> asyncio.Task[SessionEnded]:
        return asyncio.create_task(self.session.run())

    async def at(self, at_s: float) -> None:
        """Wait until a moment of the call."""
        loop = asyncio.get_running_loop()
        await self.link.connected.wait()
        await asyncio.sleep(self.link.connected_s + at_s - loop.time())

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def turns(self, speaker: Speaker | None = None) -> list[TurnSpoken]:
        return [t for t in self.of(TurnSpoken) if speaker in (None, t.speaker)]

    @property
    def said(self) -> list[tuple[str, str]]:
        """The transcript as (speaker, text)."""
        return [(turn.speaker.value, turn.text) for turn in self.turns()]

    def captions(self, speaker: Speaker) -> list[Caption]:
        return [c for c in self.of(Caption) if c.speaker == speaker]

    @property
    def troubles(self) -> list[VendorTrouble]:
        return self.of(VendorTrouble)
