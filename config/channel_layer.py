"""The channel layer over PostgreSQL, which comes back when the database does.

The library listens on one connection in one task. When the server restarts, the task
ends and nobody notices: `receive` waits for ever, and a voice process takes no more
commands, a web process shows no more captions, until it is started anew. Remove this
when `channels_postgres` reconnects by itself (1.1.4 does not), and when it leaves a
group over the connection it joins it by, not over one of its own name.

Its connections belong to the event loop that opened them. Sync code has a loop for each
message: the end of the first one cancels who keeps the connections, which may wait for
ever, and nobody replaces a connection that breaks. Sync code sends over Django's own.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, Final

import psycopg
from channels_postgres.core import PostgresChannelLayer
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.utils import timezone
from psycopg_pool import PoolTimeout

logger = logging.getLogger(__name__)

RETRY_AFTER_S: Final = 1.0
# A trigger on the table notifies whoever listens.
_SEND: Final = """
insert into channels_postgres_message (channel, message, expire)
select distinct channel, %(message)s::bytea, %(expire)s::timestamptz
from channels_postgres_groupchannel where group_key = %(group)s
"""


class ReconnectingPostgresLayer(PostgresChannelLayer):  # type: ignore[misc]  # untyped
    """Listens until it is told to stop. What was sent meanwhile may come twice."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self.django_db.using = DEFAULT_DB_ALIAS

    async def listen_to_all_channels(self) -> None:
        while True:
            try:
                await super().listen_to_all_channels()
            except (psycopg.Error, PoolTimeout, OSError):
                logger.warning("channel layer lost its connection", exc_info=True)
                await asyncio.sleep(RETRY_AFTER_S)
            else:
                return

    def group_send_now(self, group: str, message: dict[str, Any]) -> None:
        """Send to a group from sync code; inside of a transaction, if it commits."""
        values = {
            "message": self.serialize(message),
            "expire": timezone.now() + timedelta(seconds=self.expiry),
            "group": self._group_key(group),
        }
        # What fails must not take the caller's transaction with it.
        spared = transaction.atomic() if connection.in_atomic_block else nullcontext()
        with spared, connection.cursor() as cursor:
            cursor.execute(_SEND, values)
