"""Commands cross from one process to another over each channel layer, after a silence too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import connection
from psycopg.conninfo import make_conninfo

from common.ids import uuid7
from config import settings as product
from config.channel_layer import ReconnectingPostgresLayer

TREE = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
# redis-py 8 gives up on a socket that was silent for five seconds.
SILENCE_S = 6

LISTENER = """
import asyncio, json, sys
import django
django.setup()
from channels.layers import get_channel_layer
from calls import bus

async def listen():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add("left", channel)
    await layer.group_discard("left", channel)
    await layer.group_send("left", {"type": "stray"})
    await layer.group_add(bus.node_group(sys.argv[1]), channel)
    print("listening", flush=True)
    print(json.dumps(await layer.receive(channel)), flush=True)

asyncio.run(asyncio.wait_for(listen(), 60))
"""
# A description of a session is larger than a notification of PostgreSQL may be.
SENDER = """
import sys, uuid
import django
django.setup()
from calls import bus
bus.tell_node(uuid.UUID(sys.argv[1]), "offer", uuid.UUID(sys.argv[2]), {"sdp": "v=0" * 4000})
# Its connections would belong to a loop that is gone, and its end might wait for ever.
from channels_postgres import db
assert db.connection_pool is None
"""


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_command_from_another_process_arrives_after_a_silence(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    database = make_conninfo(
        os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"]
    )
    environment = os.environ | {
        "DATABASE_URL": database,
        "REDIS_URL": request.getfixturevalue("redis_server") if name == "redis" else "",
        "VAR_DIR": str(tmp_path),
        "SECRET_KEY": "test",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    node_id, call_id = str(uuid7()), str(uuid7())
    listener = subprocess.Popen(
        [sys.executable, "-c", LISTENER, node_id],
        cwd=TREE,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert listener.stdout is not None
        assert listener.stdout.readline().strip() == "listening"
        time.sleep(SILENCE_S)  # the silence is what is tested
        subprocess.run(
            [sys.executable, "-c", SENDER, node_id, call_id],
            cwd=TREE,
            env=environment,
            check=True,
            timeout=60,
        )
        heard, _ = listener.communicate(timeout=20)
    finally:
        listener.kill()
        listener.wait()
    message = json.loads(heard)
    assert message["command"] == "offer"
    assert message["call_id"] == call_id
    assert message["data"] == {"sdp": "v=0" * 4000}


def test_what_travels_is_sealed_under_the_installations_keys() -> None:
    config = product.CHANNEL_LAYERS["default"]["CONFIG"]
    layer = ReconnectingPostgresLayer(**config)
    message = {"type": "call.event", "event": {"text": "my knee hurts"}}
    sealed = layer.serialize(message)
    assert b"knee" not in sealed
    assert layer.deserialize(sealed) == message
    keys = [f"channel layer k2:{'A' * 44}", *config["symmetric_encryption_keys"]]
    newer = ReconnectingPostgresLayer(**config | {"symmetric_encryption_keys": keys})
    assert newer.deserialize(sealed) == message
