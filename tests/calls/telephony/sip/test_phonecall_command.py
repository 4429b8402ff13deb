"""`manage.py phonecall` calls a SIP address, and asks the API what came of it."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from django.core.management import CommandError, call_command

from calls.management.commands.phonecall import FOUND_S, REFUSED_S, patience_of
from calls.media.caller import CallReport
from calls.media.caller.utterance import utterance_from_pcm
from calls.telephony.protocol import IncomingCall, RejectReason
from calls.telephony.sip.caller import line_frames
from tests.calls.telephony.sip.exchange import Desk, carrier, hear, say, trunk
from tests.sound import read_wav

pytestmark = pytest.mark.slow


class Installation:
    """A carrier that greets and answers, and the API that knows of its calls."""

    def __init__(self, status: str = "ended", end_reason: str = "user_hangup") -> None:
        self.status, self.end_reason = status, end_reason
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self.heard_samples = 0
        self.keys: list[str] = []
        self.lookups = 0

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
        self.desk = Desk(self._greet)
        self.carrier = carrier(self.desk)
        await self.carrier.configure([trunk(addresses="127.0.0.1")])
        self.sip = f"127.0.0.1:{self.carrier.agent.transports.port}"
        app = web.Application()
        app.router.add_get("/api/v1/calls", self._list)
        app.router.add_get("/api/v1/calls/c1", self._read)
        self.server = TestServer(app)
        await self.server.start_server()
        self.base_url = str(self.server.make_url("/api/v1"))

    async def _stop(self) -> None:
        await self.carrier.aclose()
        await self.server.close()

    async def _greet(self, call: IncomingCall) -> None:
        await call.leg.answer()
        call.leg.set_digit_listener(self.keys.append)
        await say(call.leg, 0.5)
        # Until the caller has said theirs: an answer before it is waited for in vain.
        self.heard_samples = (await hear(call.leg, 3.2)).size
        await say(call.leg, 0.5)
        await call.leg.wait_closed()

    async def _list(self, request: web.Request) -> web.Response:
        self.lookups += 1
        calls = [
            {"id": f"c{number}", "caller_phone": call.caller}
            for number, call in enumerate(self.desk.calls, 1)
        ]
        return web.json_response({"calls": calls})

    async def _read(self, request: web.Request) -> web.Response:
        kept = {
            "status": self.status,
            "end_reason": self.end_reason,
            "transcript": [{"speaker": "assistant", "text": "Hi", "started_ms": 0}],
            "cost_credits": "0.01",
        }
        return web.json_response(kept)


def phonecall(installation: Installation, **options: object) -> dict:
    output = io.StringIO()
    call_command(
        "phonecall",
        json=True,
        base_url=installation.base_url,
        api_key="key",
        stdout=output,
        **{"sip": installation.sip, "number": "+31201234567"} | options,
    )
    return json.loads(output.getvalue())


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_is_made_heard_and_reported(transport: str) -> None:
    with Installation() as installation:
        result = phonecall(installation, say=["Hello."], keys="1#", transport=transport)
        call = installation.desk.calls[0]
    assert call.called == "+31201234567"
    assert result["call_id"] == "c1"
    assert result["status"] == "ended"
    assert result["transcript"][0]["text"] == "Hi"
    assert result["audio"]["speech_ms"] >= 400
    assert result["audio"]["received_ms"] > 1_000
    assert result["setup_ms"] < 2_000
    assert installation.heard_samples >= 2 * 16_000
    assert installation.keys == ["1", "#"]
    assert (result["early_heard_ms"], result["carrier_code"]) == (0, "")


@pytest.mark.parametrize(
    ("status", "end_reason", "exit_code"),
    [
        ("ended", "voicemail", 0),  # recognised, which is what was asked
        ("ended", "consent_declined", 0),
        ("transferred", "transferred", 0),
        ("ended-with-error", "vendor_failed", 1),
        ("ended", "connection_lost", 1),
        ("failed", "voice_process_lost", 1),
    ],
)
def test_the_exit_code_says_whether_the_call_was_carried_as_asked(
    status: str, end_reason: str, exit_code: int
) -> None:
    with Installation(status, end_reason) as installation:
        code, result = exit_of(installation)
    assert (code, result["status"], result["end_reason"]) == (
        exit_code,
        status,
        end_reason,
    )


def exit_of(installation: Installation, **options: object) -> tuple[int, dict]:
    output = io.StringIO()
    code = 0
    try:
        call_command(
            "phonecall",
            json=True,
            base_url=installation.base_url,
            api_key="key",
            sip=installation.sip,
            number="+31201234567",
            say=["Hello."],
            stdout=output,
            **options,
        )
    except SystemExit as left:
        code = int(left.code or 0)
    return code, json.loads(output.getvalue())


def test_a_call_that_nobody_takes_fails_with_the_reason() -> None:
    with Installation() as installation:
        installation.desk.acts = _decline
        code, result = exit_of(installation)
    assert (code, result["error"]) == (1, "The call was declined.")


async def _decline(call: IncomingCall) -> None:
    await call.leg.reject(RejectReason.DECLINED)


def test_a_number_that_nobody_has_is_said_at_once_and_looked_for_nowhere() -> None:
    with Installation() as installation:
        installation.desk.acts = _know_nobody
        code, result = exit_of(installation)
    assert (code, result["carrier_code"], result["call_id"]) == (1, "404", None)
    assert result["error"] == "The number does not exist."
    assert installation.lookups == 0


async def _know_nobody(call: IncomingCall) -> None:
    await call.leg.reject(RejectReason.UNKNOWN_NUMBER)


@pytest.mark.parametrize(
    ("answered_ms", "code", "patience_s"),
    [
        (120, "", FOUND_S),
        (None, "603", REFUSED_S),  # turned away, and written down before
        (None, "404", 0),
        (None, "", 0),  # nothing was reached
    ],
)
def test_a_row_is_waited_for_where_one_can_come(
    answered_ms: int | None, code: str, patience_s: float
) -> None:
    report = CallReport(answered_ms=answered_ms, carrier_code=code)
    assert patience_of(report) == patience_s


def test_what_is_said_before_a_call_is_turned_away_is_heard_and_kept(
    tmp_path: Path,
) -> None:
    heard = tmp_path / "heard.wav"
    with Installation() as installation:
        installation.desk.acts = _say_why_and_decline
        code, result = exit_of(installation, record=heard)
    assert (code, result["carrier_code"]) == (1, "603")
    assert result["audio"]["received_ms"] == 0  # nothing after an answer
    assert result["early_heard_ms"] >= result["early_speech_ms"] >= 500
    samples, rate_hz = read_wav(heard)
    assert len(samples) * 1_000 // rate_hz == result["early_heard_ms"]


async def _say_why_and_decline(call: IncomingCall) -> None:
    await call.leg.answer_early()
    await say(call.leg, 0.6)
    await call.leg.audio_output.wait_for_playout()
    await call.leg.reject(RejectReason.DECLINED)


def test_keys_that_no_telephone_has_are_refused() -> None:
    where = {"base_url": "http://127.0.0.1:9", "api_key": "key", "sip": "127.0.0.1:9"}
    with pytest.raises(CommandError, match="--keys"):
        call_command("phonecall", number="+31201234567", keys="x", **where)


def test_without_a_demo_it_says_what_is_missing(tmp_path, settings) -> None:
    settings.VAR_DIR = tmp_path
    with pytest.raises(CommandError, match="make demo"):
        call_command("phonecall")


def test_what_is_said_fits_the_line() -> None:
    tone = (9_000 * np.sin(np.arange(32_000) * 2 * np.pi * 500 / 16_000)).astype(
        np.int16
    )
    frames = line_frames(utterance_from_pcm(tone))
    assert len(frames) == 100
    assert {len(frame) for frame in frames} == {320}
    line = np.frombuffer(b"".join(frames), np.int16)
    assert np.abs(line).max() == pytest.approx(9_000, rel=0.05)
