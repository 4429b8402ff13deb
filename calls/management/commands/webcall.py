"""Make a real WebRTC call from the terminal and report what came of it.

    python manage.py webcall --audio question.wav --record reply.wav --json
    python manage.py webcall --say "What are your opening hours?" --say "Thank you, bye"

It needs a running server and its API key, not the database: by default both come from
`var/demo.json`. The JSON tells what happened; exit code 0 says that audio was heard and
that the call ended as one of its sides, or its assistant, meant it to (`NORMAL_ENDS`).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import wave
from argparse import ArgumentParser
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.media.caller import (
    CallReport,
    Conversation,
    NoSpeechProgram,
    Ticket,
    Utterance,
    call,
    speak,
    utterance_from_wav,
)
from calls.media.caller.resolver import LocalhostResolver

DEFAULT_PHRASE = "Hello, what are your opening hours?"
# Carried as it was asked for: whoever reads the exit code asks about the installation,
# not whether somebody was willing to talk. A voicemail that is recognised is a success.
NORMAL_ENDS = frozenset(
    {
        *("user_hangup", "assistant_hangup", "operator_hangup"),
        *("max_duration", "caller_silent", "voicemail", "consent_declined"),
        *("transferred", "taken_over"),
    }
)
GOOD = frozenset({"ended", "transferred"})
LIVE = frozenset({"connecting", "ringing", "in-progress"})
SETTLED_S = 30.0


@dataclass(frozen=True)
class Target:
    """Which installation to call, whose key opens it, and which assistant answers."""

    api_base_url: str
    api_key: str
    assistant_id: str


class Command(BaseCommand):
    help = "Make a web call with a synthetic caller and print its report."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--audio", type=Path, action="append", help="sound file to say; repeatable"
        )
        parser.add_argument("--say", action="append", help="phrase to say; repeatable")
        parser.add_argument("--record", type=Path, help="write what was heard, as WAV")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--assistant", help="assistant id; default: the demo's")
        parser.add_argument("--organization", help="organization id in the demo file")
        parser.add_argument("--base-url", help="API address, like http://host/api/v1")
        parser.add_argument("--api-key", help="key of the organization that calls")
        parser.add_argument(
            "--no-greeting", action="store_true", help="do not wait for a first message"
        )
        parser.add_argument(
            "--timeout", type=float, default=120, help="longest call, in seconds"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = find_target(options)
        plan = Conversation(
            utterances=find_utterances(options),
            waits_for_greeting=not options["no_greeting"],
            longest_s=options["timeout"],
        )
        result, recording = asyncio.run(make_call(target, plan))
        if options["record"] is not None:
            write_wav(options["record"], recording)
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            self.stdout.write(in_words(result))
        if not has_ended_normally(result):
            sys.exit(1)


def find_target(options: dict[str, Any]) -> Target:
    """Return where to call, from the options or else from the demo's file."""
    base_url, api_key = options["base_url"], options["api_key"]
    assistant_id = options["assistant"]
    if base_url and api_key and assistant_id:
        return Target(base_url.rstrip("/"), api_key, assistant_id)
    demo_file = Path(settings.VAR_DIR) / "demo.json"
    try:
        demo = json.loads(demo_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(
            "Start `make demo` first, or give --base-url, --api-key and --assistant."
        ) from error
    wanted = options["organization"]
    organization = next(
        (
            entry
            for entry in demo["organizations"]
            if entry.get("api_key")
            and (entry["id"] == wanted if wanted else entry.get("assistant_id"))
        ),
        None,
    )
    if organization is None:
        raise CommandError(f"The demo has no organization {wanted or ''} to call with.")
    return Target(
        (base_url or demo["api_base_url"]).rstrip("/"),
        api_key or organization["api_key"],
        assistant_id or organization["assistant_id"],
    )


def find_utterances(options: dict[str, Any]) -> list[Utterance]:
    """Return what to say, encoded: sound files first, then phrases."""
    try:
        said = [utterance_from_wav(path) for path in options["audio"] or ()]
        said += [speak(text) for text in options["say"] or ()]
        return said or [speak(DEFAULT_PHRASE)]
    except (ValueError, NoSpeechProgram) as error:
        raise CommandError(str(error)) from error


async def make_call(target: Target, plan: Conversation) -> tuple[dict[str, Any], bytes]:
    """Return the report of one call, and the audio that was heard."""
    connector = aiohttp.TCPConnector(resolver=LocalhostResolver())
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"Authorization": f"Bearer {target.api_key}"},
        timeout=aiohttp.ClientTimeout(total=30),
    ) as http:
        started_s = time.monotonic()
        try:
            ticket = await start_call(http, target)
        except (aiohttp.ClientError, TimeoutError, CallRefused) as error:
            return as_result(CallReport(error=f"No call: {error}"), {}), b""
        report = await call(http, ticket, plan, keeps_audio=True, started_s=started_s)
        kept = await read_call(http, target, ticket.call_id)
    return as_result(report, kept), report.recording


class CallRefused(Exception):
    """The API did not start a call; the text is its reason."""


async def start_call(http: aiohttp.ClientSession, target: Target) -> Ticket:
    async with http.post(
        f"{target.api_base_url}/web-calls", json={"assistant_id": target.assistant_id}
    ) as response:
        body = await _json_of(response)
        if response.status >= 400:
            error = body.get("error")
            message = error.get("message") if isinstance(error, dict) else None
            raise CallRefused(message or f"the server answered {response.status}.")
    return Ticket(
        call_id=body["call_id"],
        token=body["token"],
        server_url=body["server_url"],
        ice_servers=body.get("ice_servers", ()),
    )


async def read_call(
    http: aiohttp.ClientSession, target: Target, call_id: str
) -> dict[str, Any]:
    """Return the call as the API has it once it is final, or as it is after a while."""
    deadline_s = time.monotonic() + SETTLED_S
    kept: dict[str, Any] = {}
    while True:
        try:
            async with http.get(f"{target.api_base_url}/calls/{call_id}") as response:
                if response.status == 200:
                    kept = await _json_of(response)
        except (aiohttp.ClientError, TimeoutError):
            kept = kept or {}
        is_final = bool(kept) and kept.get("status") not in LIVE
        if is_final or time.monotonic() > deadline_s:
            return kept
        await asyncio.sleep(0.3)


async def _json_of(response: aiohttp.ClientResponse) -> dict[str, Any]:
    try:
        body = await response.json(content_type=None)
    except ValueError as error:
        raise CallRefused(f"the server answered {response.status}, no JSON.") from error
    return body if isinstance(body, dict) else {}


def as_result(report: CallReport, kept: dict[str, Any]) -> dict[str, Any]:
    """Return the object that `webcall` and `phonecall` print."""
    return {
        "call_id": report.call_id or None,
        "status": kept.get("status") or ("ended" if report.is_ended else "failed"),
        "end_reason": kept.get("end_reason") or report.end_reason,
        "error": kept.get("error") or report.error,
        "duration_ms": kept.get("duration_ms") or report.duration_ms,
        "setup_ms": report.setup_ms,
        "transcript": kept.get("transcript", []),
        "turns": kept.get("turns", []),
        "heard_turns": [asdict(turn) for turn in report.turns],
        "audio": report.audio.as_json(),
        "cost_credits": kept.get("cost_credits") or report.cost_credits,
    }


def has_ended_normally(result: dict[str, Any]) -> bool:
    """Whether the call was carried as asked; this is the exit code."""
    return (
        result["status"] in GOOD
        and result["end_reason"] in NORMAL_ENDS
        and result["audio"]["received_ms"] > 0
    )


def in_words(result: dict[str, Any]) -> str:
    """Return the result for a person who reads a terminal."""
    lines = [
        f"Call {result['call_id']}: {result['status']}, {result['end_reason']}",
        f"Set up in {result['setup_ms']} ms, lasted {result['duration_ms']} ms,"
        f" cost {result['cost_credits']} credits",
    ]
    if result["error"]:
        lines.append(f"Error: {result['error']}")
    lines += [
        f"  {turn['started_ms'] / 1000:7.2f}  {turn['speaker']}: {turn['text']}"
        for turn in result["transcript"]
    ]
    answers = [turn["response_ms"] for turn in result["heard_turns"]]
    if answers:
        lines.append(
            "Answered after "
            + ", ".join("never" if ms is None else f"{ms} ms" for ms in answers)
        )
    audio = result["audio"]
    lines.append(
        f"Heard {audio['received_ms']} ms, {audio['speech_ms']} ms of it speech; late"
        f" p99 {audio['late_p99_ms']:.0f} ms, glitches {audio['glitch_percent']} %"
    )
    return "\n".join(lines)


def write_wav(path: Path, pcm: bytes) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(pcm)
