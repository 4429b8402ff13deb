"""`manage.py webcall` calls a server over its API and prints one object."""

from __future__ import annotations

import asyncio
import io
import json
import threading
import wave

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from django.core.management import CommandError, call_command

from calls.management.commands.webcall import find_target
from calls.media.caller.resolver import LocalhostResolver
from tests.calls.media.test_synthetic_caller import Assistant, noise

OPTIONS = {"base_url": None, "api_key": None, "assistant": None, "organization": None}


class Installation:
    """The API and the signalling of one call, on a loop in a thread of its own."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.seen: list[tuple[str, object]] = []
        self.base_url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Installation:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *exc: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self) -> None:
        self.assistant = Assistant()
        app = web.Application()
        app.router.add_post("/api/v1/web-calls", self._begin)
        app.router.add_get("/api/v1/calls/c1", self._read)
        app.router.add_get("/ws/", self.assistant.serve)
        self.server = TestServer(app)
        await self.server.start_server()
        self.base_url = str(self.server.make_url("/api/v1"))

    async def _stop(self) -> None:
        await self.assistant.aclose()
        await self.server.close()

    async def _begin(self, request: web.Request) -> web.Response:
        self.seen.append((request.headers["Authorization"], await request.json()))
        if self.refuses:
            body = {"error": {"code": "insufficient_credits", "message": "No credits."}}
            return web.json_response(body, status=402)
        return web.json_response(
            {
                "call_id": "c1",
                "token": "once",
                "server_url": str(self.server.make_url("/ws/")),
                "ice_servers": [],
            },
            status=201,
        )

    async def _read(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "status": "ended",
                "end_reason": "user_hangup",
                "duration_ms": 4_000,
                "transcript": [
                    {
                        "speaker": "assistant",
                        "text": "Hi",
                        "started_ms": 0,
                        "ended_ms": 9,
                    }
                ],
                "turns": [{"response_ms": 500}],
                "cost_credits": "0.14",
            }
        )


def run(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("webcall", *arguments, stdout=out)
    except SystemExit as stop:
        return out.getvalue(), int(stop.code or 0)
    return out.getvalue(), 0


@pytest.fixture
def question(tmp_path):
    path = tmp_path / "question.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(noise(400).tobytes())
    return path


def flags(server: Installation) -> list[str]:
    return ["--base-url", server.base_url, "--api-key", "k", "--assistant", "a1"]


@pytest.mark.slow
def test_a_call_prints_one_object_and_exits_0(question, tmp_path):
    reply = tmp_path / "reply.wav"
    with Installation() as server:
        out, code = run(
            "--audio", str(question), "--record", str(reply), "--json", *flags(server)
        )
    assert code == 0
    assert server.seen == [("Bearer k", {"assistant_id": "a1"})]
    result = json.loads(out)
    assert result["call_id"] == "c1"
    assert result["status"] == "ended"
    assert result["end_reason"] == "user_hangup"
    assert result["cost_credits"] == "0.14"
    assert result["transcript"][0]["text"] == "Hi"
    assert result["heard_turns"][0]["response_ms"] > 0
    assert result["audio"]["speech_ms"] > 800
    with wave.open(str(reply)) as file:
        assert file.getnframes() > 16_000


@pytest.mark.slow
def test_a_refused_call_prints_why_and_exits_1(question):
    with Installation(refuses=True) as server:
        out, code = run("--audio", str(question), "--json", *flags(server))
    assert code == 1
    result = json.loads(out)
    assert result["status"] == "failed"
    assert result["error"] == "No call: No credits."


def test_without_a_demo_it_says_what_to_do(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    with pytest.raises(CommandError, match="make demo"):
        find_target(dict(OPTIONS))


def test_the_demo_file_says_whom_to_call(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    organizations = [
        {"id": "agency", "api_key": "k0", "assistant_id": None},
        {"id": "o1", "api_key": "k1", "assistant_id": "a1"},
        {"id": "o2", "api_key": "k2", "assistant_id": "a2"},
    ]
    (tmp_path / "demo.json").write_text(
        json.dumps({"api_base_url": "http://x/api/v1", "organizations": organizations})
    )
    assert find_target(dict(OPTIONS)).assistant_id == "a1"
    target = find_target(OPTIONS | {"organization": "o2"})
    assert (target.api_key, target.assistant_id) == ("k2", "a2")
    with pytest.raises(CommandError, match="no organization o3"):
        find_target(OPTIONS | {"organization": "o3"})


def test_a_missing_sound_file_is_a_clear_error(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command(
            "webcall",
            *["--audio", str(tmp_path / "no.wav"), "--base-url", "x"],
            *["--api-key", "k", "--assistant", "a"],
        )


@pytest.mark.asyncio
async def test_portals_under_localhost_resolve():
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=LocalhostResolver())
    ) as http:
        with pytest.raises(aiohttp.ClientConnectorError) as error:
            await http.get("http://acme.localhost:9/")
    assert "9" in str(error.value)
    assert not isinstance(error.value, aiohttp.ClientConnectorDNSError)
