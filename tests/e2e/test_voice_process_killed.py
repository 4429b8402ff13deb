"""Killing the voice process in a call: ended, billed for what was spoken, nothing held."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.e2e.conftest import Installation

pytestmark = [pytest.mark.servers, pytest.mark.slow]
NAME = "Northwind Cycles"


def api(installation: Installation, path: str) -> dict[str, Any]:
    request = urllib.request.Request(
        installation.said["api_base_url"] + path,
        headers={
            "Authorization": f"Bearer {installation.organization(NAME)['api_key']}"
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def latest(installation: Installation) -> dict[str, Any]:
    return api(installation, "/calls?limit=1")["calls"][0]


def new_call_goes_on(installation: Installation, last_id: str) -> bool:
    call = latest(installation)
    return call["id"] != last_id and call["status"] == "in-progress"


def wait_until(condition, within_s: float) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < within_s, "not in time"
        time.sleep(1)  # a key may ask a hundred times a minute
    return time.monotonic() - began


def test_a_killed_voice_process_ends_its_call_and_frees_everything(
    installation: Installation,
) -> None:
    before = latest(installation)["id"]
    caller = installation.webcall(
        "--say", "what are your opening hours", "--timeout", "60", organization=NAME
    )
    wait_until(lambda: new_call_goes_on(installation, before), 30)
    time.sleep(4)  # seconds of conversation, to be billed
    installation.kill("voice")
    killed_at = datetime.now(UTC)
    took_s = wait_until(lambda: latest(installation)["status"] == "failed", 30)
    assert took_s < 30
    caller.communicate(timeout=60)

    call = latest(installation)
    assert call["end_reason"] == "voice_process_lost"
    # Billed up to the last heartbeat: one a second, later ones on a busy machine.
    spoken_s = (killed_at - datetime.fromisoformat(call["started_at"])).total_seconds()
    assert spoken_s - 4 <= call["duration_seconds"] <= spoken_s + 1
    # 3 credits a minute, each started second up to the last heartbeat.
    assert float(call["cost_credits"]) == pytest.approx(
        call["duration_seconds"] * 3 / 60
    )

    report = installation.manage("reconcile")
    out, err = report.communicate(timeout=60)
    assert report.returncode == 0, out + err

    # The process came back and takes calls.
    again = installation.webcall(
        "--say", "goodbye", "--timeout", "60", organization=NAME
    )
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, out + err
    assert json.loads(out)["status"] == "ended"
