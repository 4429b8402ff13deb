"""What every call of a voice process shares: connections, models, threads.

Building a TLS context takes about 40 ms and a decoder 300 ms, on the loop that plays
audio. Here each is made once, off the loop. The stt, llm, tts and vad objects are never
shared: a session books the usage of every request such an object makes to its own call.
"""

from __future__ import annotations

import asyncio
import inspect
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar

import aiohttp
import certifi
import httpx2
import openai

from calls.vendors.offline.decoders import DecoderPool
from calls.vendors.offline.tts import Speaker
from common.http.streaming import GuardedTransport

P = ParamSpec("P")
T = TypeVar("T")

MAX_CLIENTS = 256


class InlineExecutor(Executor):
    """Runs at once, in the loop's thread: for work shorter than a thread's wake-up.

    One voice-activity prediction takes 30 µs; handing it over and back costs more. For
    `loop.run_in_executor` only: what it gives is a future of the loop, which that passes
    on as it is. One of `concurrent.futures` would come back through the loop's own
    socket, which costs as much again as the prediction.
    """

    def submit(  # type: ignore[override]  # see above
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # handed to the caller through the future
            future.set_exception(error)
        return future


class SharedResources:
    """One per voice process and event loop: `start()` before the first call.

    `warm_offline` starts the offline recogniser at once rather than with the first
    call that needs it.
    """

    def __init__(self, *, warm_offline: bool = False) -> None:
        self._warm_offline = warm_offline
        self._http: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        self._clients: dict[tuple[str, ...], Any] = {}
        self._lock = threading.RLock()
        self.decoders = DecoderPool()
        self.speaker = Speaker()
        self.inline = InlineExecutor()

    @property
    def http(self) -> aiohttp.ClientSession:
        """The connections of vendors that are reached over aiohttp."""
        if self._http is None:
            raise RuntimeError("SharedResources.start() has not run")
        return self._http

    async def start(self) -> None:
        self._tls = await asyncio.to_thread(_tls_context)
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=60)
        )
        if self._warm_offline:
            await self.decoders.warm()

    @property
    def tls(self) -> ssl.SSLContext:
        """The one context of every client; making one takes 40 ms."""
        if self._tls is None:
            raise RuntimeError("SharedResources.start() has not run")
        return self._tls

    def openai_client(
        self, api_key: str, base_url: str, *, is_guarded: bool = False
    ) -> openai.AsyncClient:
        """The client for a key at a server. Retries are LiveKit's, so it makes none.

        A guarded one reaches public addresses only.
        """
        client: openai.AsyncClient = self.client(
            ("openai-guarded" if is_guarded else "openai", base_url, api_key),
            lambda tls: openai.AsyncClient(
                api_key=api_key,
                base_url=base_url,
                max_retries=0,
                http_client=httpx2.AsyncClient(
                    verify=tls,
                    transport=GuardedTransport(tls=tls) if is_guarded else None,
                    timeout=httpx2.Timeout(connect=5.0, read=10.0, write=5.0, pool=5.0),
                    follow_redirects=not is_guarded,
                    limits=httpx2.Limits(
                        max_connections=200,
                        max_keepalive_connections=50,
                        keepalive_expiry=120,
                    ),
                ),
            ),
        )
        return client

    def client(self, key: tuple[str, ...], make: Callable[[ssl.SSLContext], T]) -> T:
        """What was made for `key` before, or makes it. From any thread."""
        with self._lock:
            client = self._clients.pop(key, None)
            if client is None:
                client = make(self.tls)
            # Last in, last out. A dropped client may still serve a call, so it is left
            # to that call; its idle connections expire by themselves.
            self._clients[key] = client
            if len(self._clients) > MAX_CLIENTS:
                del self._clients[next(iter(self._clients))]
            found: T = client
            return found

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kw: P.kwargs) -> T:
        """Do something slow beside the loop."""
        return await asyncio.to_thread(work, *args, **kw)

    async def aclose(self) -> None:
        """Close everything; safe to call twice and without `start()`."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            for name in ("close", "aclose"):
                close = getattr(client, name, None)
                if inspect.iscoroutinefunction(close):
                    await close()
                    break
        if self._http is not None:
            await self._http.close()
        await self.decoders.aclose()
        self.speaker.close()

    async def __aenter__(self) -> SharedResources:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: Any) -> None:
        await self.aclose()


def _tls_context() -> ssl.SSLContext:
    # The bundle of a wheel: a slim container has none of its own.
    return ssl.create_default_context(cafile=certifi.where())
