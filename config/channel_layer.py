"""The channel layer over PostgreSQL, which comes back when the database does.

The library listens on one connection in one task. When the server restarts, the task
ends and nobody notices: `receive` waits for ever, and a voice process takes no more
commands, a web process shows no more captions, until it is started anew. Remove this
when `channels_postgres` reconnects by itself (1.1.4 does not), and when it leaves a
group over the connection it joins it by, not over one of its own name.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

import psycopg
from channels_postgres.core import PostgresChannelLayer
from django.db import DEFAULT_DB_ALIAS
from psycopg_pool import PoolTimeout

logger = logging.getLogger(__name__)

RETRY_AFTER_S: Final = 1.0


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
