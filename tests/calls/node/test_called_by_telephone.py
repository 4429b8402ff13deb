"""Calls that come in over SIP: what a caller hears who is turned away or asked, and the row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest

from billing.ledger import wallet_balance
from calls.errors import NoCapacity
from calls.media.caller.socket import CallReport
from calls.media.caller.talk import Conversation
from calls.models import Call, RecordingConsent, Turn
from calls.node import consent_gate, database
from calls.node.process import VoiceProcess
from calls.node.studio import Studio
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.calls.node.held import FULL, cost_of, wallet
from tests.calls.node.serving import dial, has_status, is_idle, serving, until
from tests.calls.node.telephones import (
    HEARD_HZ,
    call_from,
    call_in,
    change_number,
    connect,
    heard_of,
    telephone_of,
)
from tests.calls.services.test_take_call import (
    spend,
    suspend,
    switch_off_number,
    take_assistant_away,
    use_up_minutes,
)
from tests.calls.telephony.test_outcome_table import names, rows
from tests.sound import speech_share, words_in
from tests.world import House, open_client_house

pytestmark = [
    pytest.mark.slow,
    pytest.mark.asyncio,
    pytest.mark.django_db(transaction=True),
]

LISTENS = Conversation(longest_s=25, silence_after_s=0.1)
STAYS = Conversation(longest_s=25, silence_after_s=20)


def codes_of(reason: str) -> str:
    """What docs/call-outcomes.md says that SIP is told."""
    for row in rows("Calls that came in and were not taken"):
        if reason in names(row[0]):
            return row[3].partition(" ")[0]
    raise LookupError(reason)


@dataclass
class Refusal:
    """A house that does not answer: why, and of which words a caller hears some.

    Without words there is no sound at all.
    """

    house: House
    reason: str
    words: set[str] | None = None

    def of(self, prepare: Callable[[House], None], **messages: str) -> Refusal:
        connect(self.house)
        change_number(self.house, **messages)
        prepare(self.house)
        return self


CLOSED = "We are closed today."
BUSY = "All our people are talking."
SUSPENDED = "This service has ended."
ANY_WORDS: set[str] = set()  # it is speech; recognising all of them takes its time
OURS = {"cannot", "take", "your", "call", "moment", "again", "later"}


async def test_a_caller_who_is_turned_away_hears_why_and_leaves_a_row(
    acme: House, globex: House
) -> None:
    """Before the answer, so that it costs the caller nothing."""

    def refuse() -> list[Refusal]:
        houses = [
            open_client_house(acme, f"Client {n}", f"+3120123460{n}") for n in range(5)
        ]
        inactive, unmanned, suspended, unpaid, used_up = houses
        return [
            Refusal(inactive, "number_inactive").of(switch_off_number),
            Refusal(unmanned, "no_assistant", {"we", "closed", "today"}).of(
                take_assistant_away, closed_message=CLOSED
            ),
            Refusal(suspended, "organization_suspended", ANY_WORDS).of(
                suspend, suspended_message=SUSPENDED
            ),
            Refusal(unpaid, "insufficient_credits", OURS).of(spend),
            Refusal(used_up, "minutes_used_up", ANY_WORDS).of(use_up_minutes),
        ]

    def fill_after_one() -> str:
        with all_organizations("test"):
            Organization.objects.filter(pk=globex.organization.pk).update(
                max_concurrent_calls=1
            )
        connect(globex)
        change_number(globex, busy_message=BUSY)
        return globex.number.number

    refusals = await database.ask(refuse)
    full = await database.ask(fill_after_one)
    async with serving(studio=Studio(), capacity=20) as process:
        talking = asyncio.create_task(call_in(process, full, "+31612345700", LISTENS))

        async def is_talking() -> bool:
            return any(call.link.offset_ms > 0 for call in process.calls.values())

        await until(is_talking)
        reports = await asyncio.gather(
            *(
                call_in(
                    process, refusal.house.number.number, f"+3161234560{n}", LISTENS
                )
                for n, refusal in enumerate(refusals)
            ),
            call_in(process, full, "+31612345609", LISTENS),
            call_in(process, "+31201999999", "+31612345608", LISTENS),
        )
        assert (await talking).answered_ms is not None
        await is_idle(process)
        assert telephone_of(process).ports.in_use == 0
    *turned_away, busy, nobody = reports
    for n, (refusal, report) in enumerate(zip(refusals, turned_away, strict=True)):
        await check(report, f"+3161234560{n}", refusal.reason, refusal.words)
        assert await database.ask(lambda house=refusal.house: held_by(house)) == 0
    await check(busy, "+31612345609", "too_many_calls", ANY_WORDS)
    assert (nobody.carrier_code, nobody.early_heard_ms) == ("404", 0)
    with pytest.raises(Call.DoesNotExist):
        await call_from("+31612345608")


def held_by(house: House) -> int:
    with organization_scope(house.organization):
        return wallet_balance(house.organization).held


async def check(
    report: CallReport, caller: str, reason: str, words: set[str] | None
) -> None:
    """What the caller met is what the table says, and what the row says."""
    call = await call_from(caller)
    assert (call.end_reason, call.status) == (reason, "rejected")
    assert report.carrier_code == codes_of(reason), reason
    assert report.answered_ms is None
    assert (call.started_at, call.billed_seconds) == (None, 0)
    if words is None:
        assert report.early_heard_ms == 0
        return
    heard = heard_of(report)
    assert report.early_speech_ms > 600, reason
    assert speech_share(heard, HEARD_HZ) > 0.2, reason
    assert not words or len(words_in(heard, HEARD_HZ) & words) >= 2, reason


async def test_the_last_lines_of_a_process_are_for_callers(bakery: House) -> None:
    """Calls of ours leave them free; a caller too many is told when to try again."""
    number = (await database.ask(partial(connect, bakery))).number
    async with serving(capacity=5) as process:
        ours = [await dial(bakery) for _ in range(4)]
        for call in ours:
            await has_status(call, "in-progress")
        with pytest.raises(NoCapacity):
            await dial(bakery)
        talking = asyncio.create_task(call_in(process, number, "+31612345600", STAYS))
        await until(partial(talks, process, 5))
        late = await call_in(process, number, "+31612345601")
        assert (late.carrier_code, late.answered_ms) == ("503", None)
        await asyncio.gather(*(call.link.aclose() for call in process.calls.values()))
        assert (await talking).answered_ms is not None
        await is_idle(process)
    taken, refused = [await call_from(f"+3161234560{n}") for n in range(2)]
    assert taken.status == "ended"
    assert (refused.status, refused.end_reason) == ("failed", "no_capacity")


async def talks(process: VoiceProcess, calls: int) -> bool:
    return len([c for c in process.calls.values() if c.link.offset_ms > 0]) == calls


QUESTION = "May we record this call?"
CONSENT = {"enabled": True, "message": QUESTION}


async def test_a_caller_is_asked_and_asked_again_before_anything_is_kept(
    bakery: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent_gate, "WAIT_S", 1.5)
    await database.ask(lambda: connect(bakery, recording_consent=CONSENT))
    number = bakery.number.number
    plans = {
        "given": Conversation(keys="1", silence_after_s=3.0, longest_s=25),
        "declined": replace(STAYS, keys="2"),
        "none": STAYS,
    }
    callers = {answer: f"+3161234560{n}" for n, answer in enumerate(plans)}
    async with serving(studio=Studio()) as process:
        reports = await asyncio.gather(
            *(
                call_in(process, number, callers[answer], plan)
                for answer, plan in plans.items()
            )
        )
        await is_idle(process)
    heard = {a: heard_of(r) for a, r in zip(plans, reports, strict=True)}
    found = {answer: await call_from(caller) for answer, caller in callers.items()}
    consents = {
        answer: await database.ask(partial(consent_of, call))
        for answer, call in found.items()
    }
    for answer, consent in consents.items():
        assert (consent.answer, consent.question) == (answer, QUESTION)
        assert consent.asked_count == (2 if answer == "none" else 1)
    assert {a: (c.status, c.end_reason) for a, c in found.items()} == {
        "given": ("ended", "user_hangup"),
        "declined": ("ended", "consent_declined"),
        "none": ("ended", "consent_unanswered"),
    }
    # Asked once, or twice; and whoever agreed is greeted then.
    spoken = {answer: stretches(samples) for answer, samples in heard.items()}
    assert spoken == {"given": 2, "declined": 1, "none": 2}
    greeted = words_in(heard["given"], HEARD_HZ)
    assert len(greeted & {"hello", "how", "can", "i", "help", "you"}) >= 2
    # Nothing of a call without consent is kept or billed.
    given, agreed = found.pop("given"), consents["given"]
    asked_ms = round((agreed.answered_at - agreed.asked_at).total_seconds() * 1_000)
    until_then = slice(asked_ms // given.waveform["bucket_ms"])
    assert given.recording_ms > asked_ms > 1_000
    for side in ("caller", "assistant"):
        assert not any(given.waveform[side][until_then])
    for call in found.values():
        assert not call.recording_ms
        assert await database.ask(partial(turns_of, call)) == 0
    left = await database.ask(partial(wallet, bakery))
    assert left == FULL - cost_of(given.billed_seconds)


def consent_of(call: Call) -> RecordingConsent:
    with all_organizations("test"):
        return RecordingConsent.objects.get(call=call)


def turns_of(call: Call) -> int:
    with all_organizations("test"):
        return Turn.objects.filter(call=call).count()


def stretches(samples: np.ndarray) -> int:
    """How often somebody began to speak after a second of silence."""
    size = HEARD_HZ // 50
    windows = samples[: samples.size // size * size].reshape(-1, size)
    loud = np.flatnonzero(np.sqrt((windows.astype(float) ** 2).mean(axis=1)) > 300)
    return int((np.diff(loud) > 50).sum()) + bool(loud.size)
