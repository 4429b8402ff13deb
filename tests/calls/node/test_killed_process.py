"""A real voice process is killed in a call: exact bill, nothing held, recording saved."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from calls.models import Call, VoiceNode
from calls.services.finish import sweep_lost_calls
from calls.services.nodes import live_capacity
from calls.services.outbound import place_call
from common.ids import uuid7
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, cost_of, wallet
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
]
TREE = Path(__file__).resolve().parents[3]


@contextmanager
def voice_process(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py voice` on the test's database; kill it at the end."""
    database = connection.settings_dict
    url = make_conninfo(
        host=database["HOST"], user=database["USER"], dbname=database["NAME"]
    )
    environment = os.environ | {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "VAR_DIR": str(settings.VAR_DIR),
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "voice"],
            cwd=TREE,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        wait_for(
            lambda: VoiceNode.objects.filter(pid=process.pid).exists(),
            within_s=40,
            log=log,
        )
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], Any], *, within_s: float, log: Path) -> float:
    """Wait for a real process; return how long it took."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within_s:
            pytest.fail(f"not in {within_s} s:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)
    return time.monotonic() - began


def test_a_killed_voice_process_costs_its_calls_and_nothing_else(
    bakery: House, tmp_path: Path
) -> None:
    log = tmp_path / "voice.log"
    with organization_scope(bakery.organization), voice_process(log) as process:
        call = place_call(
            organization=bakery.organization,
            assistant=bakery.assistant,
            destination="+31205550001",
            call_id=uuid7(),
            actor=None,
        )

        def has(**values: object) -> bool:
            return Call.objects.filter(pk=call.pk, **values).exists()

        # The test's channel layer reaches no other process: the table is the hint.
        wait_for(lambda: has(status="in-progress"), within_s=20, log=log)
        time.sleep(4)  # seconds of conversation, to be billed
        process.kill()
        process.wait()
        ended_s = wait_for(
            lambda: sweep_lost_calls(second_look_after_s=0.5), within_s=30, log=log
        )
        assert ended_s < 30
        call.refresh_from_db()
        assert (call.status, call.end_reason) == ("failed", "voice_process_lost")
        assert call.heartbeat_at is not None
        assert call.started_at is not None
        spoken_s = (call.heartbeat_at - call.started_at).total_seconds()
        assert 2.5 < spoken_s < 6
        assert call.billed_seconds == -(-round(spoken_s * 1000) // 1000)
        assert wallet(bakery) == FULL - cost_of(call.billed_seconds)
        assert live_capacity()[0] == 0
        assert call.recording == ""

        with voice_process(log):  # the next start finds what was recorded
            wait_for(lambda: not has(recording=""), within_s=15, log=log)
        call.refresh_from_db()
        assert call.recording_ms >= 1_000  # all but what the writer still held
    with all_organizations("test"):
        assert not Call.objects.live().exists()
