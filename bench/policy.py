"""What the rules of privacy and fraud cost each call's start.

    python -m bench.policy ROUNDS

DATABASE_URL names a migrated, empty database to work in. The assistant is as large as
they get and allowed under the policy, so that every flow is looked at. *Region rule* is
reading the policy and going over every stage, fallback, tool and person callers are
handed to, and the carrier; *guard* is the
destination, the spending of the hour and day, and whether somebody stopped calls.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django

from bench.figures import Figure, at_most, median, percentile

LIMIT_MS = 1.0


def timed(rounds: int, work: Callable[[], object]) -> list[float]:
    """Milliseconds of each round, after a few that warm up."""
    took = []
    for number in range(rounds + 20):
        began_s = time.perf_counter()
        work()
        if number >= 20:
            took.append((time.perf_counter() - began_s) * 1_000)
    return took


def figures(rounds: int) -> list[dict[str, Any]]:
    django.setup()
    from django.utils import timezone

    from assistants.sovereignty import first_violation
    from bench.ledger import _open
    from bench.saving import spec_of
    from calls.models import Trunk
    from calls.services.guarding import (
        Pace,
        guard_of,
        require_destination,
        save_guard,
    )
    from calls.services.halting import is_halted
    from calls.ways import way_fault
    from portal.policy import RegionRule
    from portal.scope import organization_scope
    from portal.services.privacy import policy_of, save_privacy

    organization = _open("Bench policy", None)
    spec = _european(spec_of(0))
    trunk = Trunk(carrier="sip", host="sip.example.com")

    def regions() -> None:
        policy = policy_of(organization)
        if fault := first_violation(spec, policy):
            raise RuntimeError(f"What is allowed was refused: {fault.message}")
        if way_fault("sip", trunk, policy):
            raise RuntimeError("What is allowed was refused: the trunk.")

    def guard() -> None:
        limits = guard_of(organization)
        require_destination(limits, "+31612345678")
        Pace.of(organization, limits, timezone.now()).require()
        if is_halted(organization):
            raise RuntimeError("Nobody stopped these calls.")

    with organization_scope(organization):
        save_privacy(
            organization=organization,
            actor=None,
            regions=RegionRule.EU,
            keeps_callers_inside=True,
            trusted_hosts=["hooks.example.com", "sip.example.com"],
        )
        save_guard(
            organization=organization, actor=None, hourly_microcredits=1_000_000_000
        )
        found = {
            "region rule at a call's start, p95": timed(rounds, regions),
            "guard at a call's start, p95": timed(rounds, guard),
        }
    return [_figure(name, took).as_json() for name, took in found.items()]


def _european(spec: Any) -> Any:
    """Return the assistant with vendors that compute in the European Union."""
    stages = {
        "llm_config": {"provider": "google", "model": "gemini-2.5-flash"},
        "stt_config": {"provider": "google", "model": "chirp_3", "language": "en"},
        "tts_config": {"provider": "google", "voice_id": "Kore", "language": "en"},
    }
    values = spec.model_dump(mode="json")
    for stage, chosen in stages.items():
        values[stage] = (values[stage] if stage == "llm_config" else {}) | chosen
    return type(spec).model_validate(values)


def _figure(name: str, took: list[float]) -> Figure:
    ours = percentile(took, 0.95)
    is_goal = name.startswith("region")
    return Figure(
        name=name,
        unit="ms",
        ours=None if ours is None else round(ours, 3),
        goal=f"at most {LIMIT_MS:g} ms" if is_goal else "shown beside it",
        met=at_most(ours, LIMIT_MS) if is_goal else None,
        limit=LIMIT_MS if is_goal else None,
        limit_name="goal" if is_goal else None,
        ratio_to_limit=round(ours / LIMIT_MS, 3) if is_goal and ours else None,
        runs=[{"median": median(took), "count": len(took)}],
    )


if __name__ == "__main__":
    for figure in figures(int(sys.argv[1]) if len(sys.argv) > 1 else 500):
        sys.stdout.write(json.dumps(figure) + "\n")
