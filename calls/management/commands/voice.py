"""The voice process: carries calls until told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand

from calls.node.process import voice_process


class Command(BaseCommand):
    help = (
        "Carry calls. SIGTERM or Ctrl-C: take no new call, finish those going on, stop."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        process = voice_process()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, process.drain)
        await process.run()
