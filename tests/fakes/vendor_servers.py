"""All three vendor servers on one port, in one process.

    python -m tests.fakes.vendor_servers --port 9010 --first-token-ms 120

prints one JSON line with the addresses to put into `OPENAI_BASE_URL`,
`DEEPGRAM_BASE_URL` and `ELEVENLABS_BASE_URL`, then serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.deepgram_server import DeepgramServer
from tests.fakes.elevenlabs_server import ElevenLabsServer
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.fakes.vendor_wire import Fault, VendorServer


@dataclass
class VendorServers(VendorServer):
    """The three on one port; script each through its own attribute."""

    openai: OpenAIServer = field(default_factory=OpenAIServer)
    deepgram: DeepgramServer = field(default_factory=DeepgramServer)
    elevenlabs: ElevenLabsServer = field(default_factory=ElevenLabsServer)

    def add_routes(self, app: web.Application) -> None:
        for server in (self.openai, self.deepgram, self.elevenlabs):
            server.add_routes(app)

    async def listen(self, app: web.Application, host: str, port: int) -> None:
        await super().listen(app, host, port)
        for server in (self.openai, self.deepgram, self.elevenlabs):
            server.url = self.url

    async def stop(self) -> None:
        for server in (self.openai, self.deepgram, self.elevenlabs):
            await server.stop()
        await super().stop()

    def error_body(self, fault: Fault) -> dict[str, object]:
        return {"error": fault.code}

    @property
    def addresses(self) -> dict[str, str]:
        """By the name of the environment variable that takes each."""
        return {
            "OPENAI_BASE_URL": self.openai.base_url,
            "DEEPGRAM_BASE_URL": self.deepgram.base_url,
            "ELEVENLABS_BASE_URL": self.elevenlabs.base_url,
        }


async def serve(options: argparse.Namespace) -> None:
    servers = VendorServers()
    servers.openai.first_token_s = options.first_token_ms / 1000
    servers.openai.token_s = options.token_ms / 1000
    servers.openai.answer = lambda messages: Reply(options.reply)
    servers.openai.first_byte_s = options.first_byte_ms / 1000
    servers.elevenlabs.first_byte_s = options.first_byte_ms / 1000
    servers.deepgram.final_s = options.final_ms / 1000
    if options.transcript:
        servers.deepgram.transcripts = options.transcript
    await servers.start(options.host, options.port)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    sys.stdout.write(json.dumps(servers.addresses) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await servers.stop()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first-token-ms", type=float, default=0)
    parser.add_argument("--token-ms", type=float, default=0)
    parser.add_argument("--first-byte-ms", type=float, default=0)
    parser.add_argument("--final-ms", type=float, default=0)
    parser.add_argument("--reply", default="It is a quarter past nine.")
    parser.add_argument("--transcript", action="append")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    asyncio.run(serve(parse()))
