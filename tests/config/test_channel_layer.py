"""The channel layer over PostgreSQL hears again after its connection was cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import channels_postgres.db
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection

from config.channel_layer import ReconnectingPostgresLayer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]


@pytest_asyncio.fixture
async def layer() -> AsyncIterator[ReconnectingPostgresLayer]:
    settings = connection.settings_dict
    names = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
    layer = ReconnectingPostgresLayer(
        **{name: settings[name] for name in names},
        **{name: settings[name] for name in ("CONN_HEALTH_CHECKS", "CONN_MAX_AGE")},
        OPTIONS={},
        TIME_ZONE=None,
        ATOMIC_REQUESTS=False,
        AUTOCOMMIT=True,
    )
    yield layer
    pool, channels_postgres.db.connection_pool = (
        channels_postgres.db.connection_pool,
        None,
    )
    await pool.close()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _cut() -> int:
    """End the connection that listens, as a restart of the server does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and query like 'LISTEN %'"
        )
        cut: int = cursor.fetchone()[0]
    connection.close()
    return cut


async def test_a_cut_connection_is_made_again(layer: ReconnectingPostgresLayer) -> None:
    channel = await layer.new_channel()
    await layer.group_add("voice", channel)
    hearing = asyncio.create_task(layer.receive(channel))
    await asyncio.sleep(0.3)
    await layer.group_send("voice", {"type": "first"})
    assert (await asyncio.wait_for(hearing, 5))["type"] == "first"

    assert await sync_to_async(_cut, thread_sensitive=False)() == 1
    hearing = asyncio.create_task(layer.receive(channel))
    await layer.group_send("voice", {"type": "sent while nobody listens"})
    heard = await asyncio.wait_for(hearing, 5)
    # The layer gives what it finds in its table once more: `bus` tells copies by id.
    while heard["type"] == "first":
        heard = await asyncio.wait_for(layer.receive(channel), 5)
    assert heard["type"] == "sent while nobody listens"
