"""Make a real telephone call over SIP and RTP from the terminal, and report it.

    python manage.py phonecall --audio question.wav --record reply.wav --json
    python manage.py phonecall --say "What are your opening hours?"
    python manage.py phonecall --answer      be called by the assistant instead

It needs a running server and its API key, not the database: by default both come from
`var/demo.json`, as do the SIP address and the number. The JSON tells what happened; exit
code 0 says that the call was carried as asked: it was answered, audio was heard, and it
ended as one of its sides meant it to. A voicemail that the assistant recognised, a caller
who was handed on and one who declined are calls carried as asked; one that was not
answered, refused, lost or broken is not, and exits with 1. A number that nobody has
is said to be unknown at once: such a call is in no list. `early_heard_ms` counts what
was heard before the answer, such as the message to a caller who is turned away; the
recording begins with it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.management.commands.webcall import (
    CallRefused,
    Target,
    as_result,
    find_utterances,
    has_ended_normally,
    in_words,
    read_call,
    write_wav,
)
from calls.media.caller import CallReport, Conversation
from calls.media.caller.resolver import LocalhostResolver
from calls.telephony.digits import checked_digits
from calls.telephony.sip.caller import (
    Doorbell,
    Line,
    be_called,
    call_by_phone,
)
from calls.telephony.sip.transport import Listening

FOUND_S: Final = 10.0  # until a call that was taken is in the list
REFUSED_S: Final = 1.0  # the row of one that was turned away stands before the reply
UNKNOWN_NUMBER: Final = "404"  # nobody's call: it leaves no row


@dataclass(frozen=True)
class PhoneTarget:
    """Which number to call where, and whose API knows what came of it."""

    api: Target
    address: str
    number: str
    answers_at: str  # where the demo's trunk sends calls out


class Command(BaseCommand):
    help = (
        "Make or take a telephone call with a synthetic telephone; print its report."
        " Exits with 0 when the call was carried as asked."
    )
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
        parser.add_argument("--api-key", help="key of the organization that is called")
        parser.add_argument("--sip", help="SIP address to call, like 127.0.0.1:5060")
        parser.add_argument("--number", help="number to call")
        parser.add_argument("--caller", help="number to call from; default: a new one")
        parser.add_argument(
            "--answer", action="store_true", help="be called by the assistant instead"
        )
        parser.add_argument(
            "--keys", default="", help="keys to press once the first message was heard"
        )
        parser.add_argument("--transport", choices=("udp", "tcp"), default="udp")
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
            keys=keys_in(options["keys"]),
            longest_s=options["timeout"],
        )
        result, recording = asyncio.run(make_call(target, plan, options))
        if options["record"] is not None:
            write_wav(options["record"], recording)
        if options["json"]:
            self.stdout.write(json.dumps(result, ensure_ascii=False))
        else:
            self.stdout.write(in_words(result))
            if result.get("early_heard_ms"):
                self.stdout.write(early_in_words(result))
        if not has_ended_normally(result):
            sys.exit(1)


def keys_in(text: str) -> str:
    """Return the keys to press, or say which there are."""
    try:
        return checked_digits(text) if text else ""
    except ValueError as error:
        raise CommandError(f"--keys: {error}") from error


def early_in_words(result: dict[str, Any]) -> str:
    """Return what was heard before the answer, for a person."""
    return (
        f"Heard {result['early_heard_ms']} ms before the answer,"
        f" {result['early_speech_ms']} ms of it speech"
    )


def find_target(options: dict[str, Any]) -> PhoneTarget:
    """Return whom to call, from the options or else from the demo's file."""
    demo = read_demo()
    organizations = demo.get("organizations", [])
    wanted = options["organization"]
    organization: dict[str, Any] = next(
        (entry for entry in organizations if wanted in (None, entry["id"])), {}
    )
    sip = demo.get("sip") or {}
    api = Target(
        (options["base_url"] or demo.get("api_base_url") or "").rstrip("/"),
        options["api_key"] or organization.get("api_key") or "",
        options["assistant"] or "",
    )
    address = options["sip"] or sip.get("address") or ""
    number = options["number"] or organization.get("sip_number") or ""
    has_number = number or api.assistant_id
    if not (api.api_base_url and api.api_key and address and has_number):
        raise CommandError(
            "Start `make demo` first, or give --base-url, --api-key, --sip and --number."
        )
    return PhoneTarget(api, address, number, sip.get("answers_at") or "")


def read_demo() -> dict[str, Any]:
    """Return the demo's file, or nothing where there is none."""
    try:
        path = Path(settings.VAR_DIR) / "demo.json"
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


async def make_call(
    target: PhoneTarget, plan: Conversation, options: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """Return the report of one call, and the audio that was heard."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=LocalhostResolver()),
        headers={"Authorization": f"Bearer {target.api.api_key}"},
        timeout=aiohttp.ClientTimeout(total=30),
    ) as http:
        try:
            number = await number_of(http, target)
            if options["answer"]:
                report = await answer(http, target, plan, number)
            else:
                report = await dial(http, target, plan, number, options)
        except (aiohttp.ClientError, TimeoutError, CallRefused, KeyError) as error:
            return as_result(CallReport(error=f"No call: {error}"), {}), b""
        kept: dict[str, Any] = {}
        if report.call_id:
            kept = await read_call(http, target.api, report.call_id)
    early = {
        "early_heard_ms": report.early_heard_ms,
        "early_speech_ms": report.early_speech_ms,
        "carrier_code": kept.get("carrier_code") or report.carrier_code,
    }
    return as_result(report, kept) | early, report.recording


async def number_of(http: aiohttp.ClientSession, target: PhoneTarget) -> dict[str, Any]:
    """Return the number to call: the one given, or the assistant's on a trunk."""
    if target.number and not target.api.assistant_id:
        return {"phone_number": target.number}
    for number in await _read(http, f"{target.api.api_base_url}/numbers", "numbers"):
        is_its = number.get("assistant_id") == target.api.assistant_id
        if is_its and number.get("source") == "sip":
            return number
    raise CallRefused("the assistant has no number on a SIP trunk.")


async def dial(
    http: aiohttp.ClientSession,
    target: PhoneTarget,
    plan: Conversation,
    number: dict[str, Any],
    options: dict[str, Any],
) -> CallReport:
    """Call the number, and find out which call it was by who called."""
    # One that nobody has, so that the call can be found by it.
    caller = options["caller"] or f"+319701{secrets.randbelow(10**7):07d}"
    report = await call_by_phone(
        Line(
            target.address,
            caller,
            number["phone_number"],
            {"transport": options["transport"]},
        ),
        plan,
        keeps_audio=True,
    )
    report.call_id = await _find_call(http, target, caller, patience_of(report))
    return report


def patience_of(report: CallReport) -> float:
    """Return for how many seconds a call may still come up in the list; 0 is not at all."""
    if report.answered_ms is not None:
        return FOUND_S
    is_known = report.carrier_code not in ("", UNKNOWN_NUMBER)
    return REFUSED_S if is_known else 0.0


async def answer(
    http: aiohttp.ClientSession,
    target: PhoneTarget,
    plan: Conversation,
    number: dict[str, Any],
) -> CallReport:
    """Have the assistant call us, and answer."""
    host, _, port = target.answers_at.rpartition(":")
    if not host:
        raise CallRefused("the demo has no trunk that calls this machine.")
    ready, doorbell = asyncio.Event(), Doorbell()
    waiting = asyncio.create_task(
        be_called(
            Listening(host, int(port)),
            doorbell,
            plan,
            keeps_audio=True,
            on_ready=ready,
        )
    )
    try:
        await asyncio.wait_for(ready.wait(), 5)
        numbers = await _read(http, f"{target.api.api_base_url}/numbers", "numbers")
        known = next(n for n in numbers if n["phone_number"] == number["phone_number"])
        body = {
            "destination": f"+319701{secrets.randbelow(10**7):07d}",
            "number_id": known["id"],
            "assistant_id": known["assistant_id"],
        }
        url = f"{target.api.api_base_url}/calls/outbound"
        async with http.post(url, json=body) as response:
            placed = await response.json(content_type=None)
            if response.status >= 400:
                raise CallRefused(placed.get("error", {}).get("message", "refused."))
        report = await waiting
        report.call_id = placed["call_id"]
        return report
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


async def _find_call(
    http: aiohttp.ClientSession, target: PhoneTarget, caller: str, within_s: float
) -> str:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + within_s
    while loop.time() < until_s:
        url = f"{target.api.api_base_url}/calls?limit=50"
        for entry in await _read(http, url, "calls"):
            if entry.get("caller_phone") == caller:
                return str(entry["id"])
        await asyncio.sleep(0.3)
    return ""


async def _read(
    http: aiohttp.ClientSession, url: str, name: str
) -> list[dict[str, Any]]:
    async with http.get(url) as response:
        body = await response.json(content_type=None)
        if response.status >= 400:
            raise CallRefused(f"{url} answered {response.status}.")
    found = body.get(name) if isinstance(body, dict) else body
    return found if isinstance(found, list) else []
