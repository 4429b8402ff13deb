"""Where carriers reach a voice process over HTTP: their events, and the audio of calls.

One port for all of them, behind a proxy that speaks TLS. Each voice process has a public
address of its own, since the audio must come to the process that holds the call.
"""

from __future__ import annotations

import asyncio
from typing import Final
from weakref import WeakKeyDictionary

from aiohttp import web
from django.conf import settings

MAX_BODY_BYTES: Final = 256 * 1024


class Door:
    """The HTTP server of one voice process; opened with the first carrier, closed with the last."""

    def __init__(self) -> None:
        self._apps: dict[str, web.Application] = {}
        self._runner: web.AppRunner | None = None
        self._opening = asyncio.Lock()
        self.port = 0

    def mount(self, name: str, app: web.Application) -> None:
        """Serve a carrier's application under `/<name>/`; before the door opens."""
        self._apps[name] = app

    async def open(self) -> None:
        """Listen, unless that goes on already."""
        async with self._opening:
            if self._runner is not None:
                return
            root = web.Application(client_max_size=MAX_BODY_BYTES)
            for name, app in self._apps.items():
                root.add_subapp(f"/{name}/", app)
            runner = web.AppRunner(root, access_log=None, shutdown_timeout=2.0)
            await runner.setup()
            site = web.TCPSite(runner, settings.STREAM_HOST, settings.STREAM_PORT)
            await site.start()
            self._runner = runner
            self.port = runner.addresses[0][1]

    async def leave(self, name: str) -> None:
        """Let a carrier go; the last one closes the door."""
        self._apps.pop(name, None)
        if self._apps or self._runner is None:
            return
        runner, self._runner = self._runner, None
        await runner.cleanup()


_doors: WeakKeyDictionary[asyncio.AbstractEventLoop, Door] = WeakKeyDictionary()


def shared_door() -> Door:
    """Return the door of this process's event loop."""
    loop = asyncio.get_running_loop()
    door = _doors.get(loop)
    if door is None:
        door = _doors[loop] = Door()
    return door


def public_url() -> str:
    """Return where carriers reach this process, without a slash at the end; else empty."""
    return str(settings.STREAM_PUBLIC_URL).rstrip("/")


def socket_url(path: str) -> str:
    """Return the public address of a websocket here."""
    return "ws" + public_url().removeprefix("http") + path
