"""From saving an assistant to a call that runs on it, and what building one takes.

    python -m bench.saving ROUNDS

DATABASE_URL names a migrated, empty database to work in. *Publish* makes a draft
the version of the next call, after it was checked like a page's; the call is started by
the portal's service and picked up as a voice process does. *Save* is the same from a
save without a draft, as the API's. A
build is what a voice process does for each call before its first packet: vendors and
pipeline for an assistant of 8,000 characters of instructions and 20 tools; nothing is
connected, so no network is in it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import django

from bench.figures import Figure, at_most, median, percentile

BUILD_LIMIT_MS, PUBLISH_LIMIT_MS = 50.0, 1_000.0
BUILDS, ROUNDS = 200, 50


def spec_of(number: int) -> Any:
    """An assistant as large as they get, a little different each time."""
    from assistants.spec import AssistantSpec

    tools = [
        {
            "type": "function",
            "function": {
                "name": f"look_up_{index}",
                "description": "Look something up in the customer's own system.",
                "parameters": {
                    "type": "object",
                    "properties": {"query": {"type": "string"}},
                },
            },
            "server": {"url": f"https://hooks.example.com/{index}"},
        }
        for index in range(20)
    ]
    words = f"Version {number}. " + "Be brief and kind to everybody who calls. " * 190
    return AssistantSpec.model_validate(
        {
            "name": "Bench",
            "first_message": "Hello.",
            "llm_config": {
                "provider": "openai",
                "model": "gpt-4.1",
                "messages": [{"role": "system", "content": words}],
                "tools": tools,
            },
            "stt_config": {"provider": "deepgram", "model": "nova-3"},
            "tts_config": {"provider": "elevenlabs", "voice_id": "voice"},
        }
    )


async def builds(count: int) -> list[float]:
    """Milliseconds each build held the loop."""
    from calls.media.output import PulledAudioOutput
    from calls.session.clock import CallClock
    from calls.session.patience import Patience
    from calls.session.pipeline import Pipeline
    from calls.session.tools import Toolbox
    from calls.vendors.registry import (
        Credential,
        SharedResources,
        build_vendors,
        prepare_vendors,
    )

    keys = {name: Credential("key") for name in ("openai", "deepgram", "elevenlabs")}
    clock, patience, spec = CallClock(), Patience(), spec_of(0)
    clock.start()

    def ignore(*_: Any) -> None:
        """Nobody listens."""

    def build(shared: SharedResources) -> tuple[Any, Pipeline]:
        vendors = build_vendors(spec, keys, shared)
        toolbox: Any = Toolbox(
            clock,
            patience,
            put=ignore,
            end_call=ignore,
            transfer=ignore,  # type: ignore[arg-type]  # nothing is called
            say=ignore,
            runner=_Runner(),  # type: ignore[arg-type]  # nothing is called
        )
        pipeline = Pipeline(
            spec,
            _Link(PulledAudioOutput()),  # type: ignore[arg-type]  # nothing is sent
            vendors,
            clock=clock,
            patience=patience,
            put=ignore,
            on_fatal=ignore,
            tools=toolbox.tools_of(spec),
            instructions_suffix="",
            early_context=[],
        )
        return vendors, pipeline

    took: list[float] = []
    async with SharedResources() as shared:
        await prepare_vendors(spec, keys, shared)
        for _ in range(count):
            began_s = time.perf_counter()
            vendors, pipeline = build(shared)
            took.append((time.perf_counter() - began_s) * 1_000)
            pipeline.release()
            await vendors.aclose()
    return took


class _Runner:
    """Runs nothing."""


class _Link:
    """Carries nothing."""

    audio_input = None

    def __init__(self, output: Any) -> None:
        self.audio_output = output


def first_calls(rounds: int) -> dict[str, list[float]]:
    """Milliseconds from saving, and from publishing, to the order of the first call."""
    from django.conf import settings

    from assistants.editing import publish
    from assistants.services import save_assistant, save_draft

    # A draft is refused for a provider without a key; nobody is called with these.
    for name in ("openai", "deepgram", "elevenlabs"):
        settings.VENDOR_KEYS[name] = settings.VENDOR_KEYS.get(name) or "bench"
    return {
        "save": _timed(
            rounds,
            lambda assistant, spec: partial(
                save_assistant, assistant=assistant, spec=spec, actor=None
            ),
        ),
        "publish": _timed(
            rounds,
            lambda assistant, spec: (
                save_draft(assistant=assistant, spec=spec, actor=None),
                partial(publish, assistant=assistant, actor=None),
            )[1],
        ),
    }


def _timed(
    rounds: int, prepared: Callable[[Any, Any], Callable[[], object]]
) -> list[float]:
    """Milliseconds of what `prepared` leaves to do, up to the first call, each round.

    Its own organization with a line for each round: no call ends.
    """
    from assistants.services import create_assistant
    from bench.ledger import _open
    from calls.services.nodes import beat, register_node
    from portal.scope import all_organizations, organization_scope

    organization = _open("Bench saving", None)
    with all_organizations("the bench gives its own organization lines"):
        organization.max_concurrent_calls = rounds
        organization.save(update_fields=["max_concurrent_calls"])
    node = register_node(host="bench", pid=1, capacity=rounds)
    took: list[float] = []
    with organization_scope(organization):
        assistant = create_assistant(
            organization=organization, spec=spec_of(-1), actor=None
        )
        for number in range(rounds):
            beat(node_id=node.pk, call_ids=[])
            make_current = prepared(assistant, spec_of(number))
            began_s = time.perf_counter()
            make_current()
            _first_call(assistant, node, number)
            took.append((time.perf_counter() - began_s) * 1_000)
    return took


def _first_call(assistant: Any, node: Any, number: int) -> None:
    """Start a call and take it up, and be sure that it has what was just saved."""
    from calls.services.running import pick_up
    from calls.services.web import start_web_call

    assistant.refresh_from_db()
    call = start_web_call(
        organization=assistant.organization, assistant=assistant, actor=None
    ).call
    order = pick_up(call_id=call.pk, node_id=node.pk)
    said = order.spec.llm_config.instructions if order else ""
    if not said.startswith(f"Version {number}."):
        raise RuntimeError("The first call does not run on what was saved.")


def figures(*, builds_count: int, rounds: int) -> list[dict[str, Any]]:
    """All three, as lines of the table."""
    django.setup()
    made = asyncio.run(builds(builds_count))
    took = first_calls(rounds)
    return [
        _figure("session build, p95", made, BUILD_LIMIT_MS).as_json(),
        _figure("save to first call, p95", took["save"], PUBLISH_LIMIT_MS).as_json(),
        _figure("publish to first call, p95", took["publish"], PUBLISH_LIMIT_MS)
        .as_json(),
    ]  # fmt: skip


def _figure(name: str, took: list[float], limit_ms: float) -> Figure:
    ours = percentile(took, 0.95)
    return Figure(
        name=name,
        unit="ms",
        ours=ours,
        goal=f"at most {limit_ms:g} ms",
        met=at_most(ours, limit_ms),
        limit=limit_ms,
        limit_name="goal",
        ratio_to_limit=None if ours is None else round(ours / limit_ms, 3),
        runs=[{"median": median(took), "count": len(took)}],
    )


if __name__ == "__main__":
    given = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    for figure in figures(builds_count=BUILDS, rounds=given):
        sys.stdout.write(json.dumps(figure) + "\n")
