"""A real Celery worker over each broker takes a task and does its work."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from django.db import connection
from django.utils import timezone
from psycopg.conninfo import make_conninfo

from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from portal.scope import all_organizations, organization_scope
from tests.world import House

TREE = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def worker(broker_url: str, var_dir: Path) -> Iterator[None]:
    """Run a Celery worker of the product on the test's database."""
    database = make_conninfo(
        os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]
    )
    environment = os.environ | {
        "DATABASE_URL": database,
        "BROKER_URL": broker_url,
        "VAR_DIR": str(var_dir),
        "SECRET_KEY": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "config",
            "worker",
            "-c",
            "1",
            "-l",
            "error",
        ],
        cwd=TREE,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("name", ["redis_server", "rabbitmq_server"])
def test_a_lost_call_is_swept_by_a_worker_behind_the_broker(
    name: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    bakery: House,
    node: VoiceNode,
) -> None:
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
        Call.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    broker_url = request.getfixturevalue(name)
    client = Celery(broker=broker_url)
    with worker(broker_url, tmp_path), client:
        client.send_task("calls.tasks.sweep_lost_calls", queue="default")
        deadline = time.monotonic() + 40
        while True:
            with all_organizations("test"):
                call.refresh_from_db()
            if call.status == Call.Status.FAILED:
                break
            assert time.monotonic() < deadline, "the worker did nothing"
            time.sleep(0.2)
    assert call.end_reason == "never_connected"
