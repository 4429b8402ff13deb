"""A campaign calls people behind a SIP trunk, whom sipp plays: right ends, right retries.

The voice process is real, and so is the trunk; only Celery's doors are called by hand.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from calls.media.caller.utterance import speak
from calls.media.g711 import G711Encoder
from calls.models import Call, PhoneNumber
from calls.services.trunks import add_trunk
from calls.telephony.simulator.callees import VOICEMAIL_GREETING
from campaigns import tasks
from campaigns.importing import LeadRow
from campaigns.models import Campaign, Lead
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from tests.calls.node.test_killed_process import voice_process, wait_for
from tests.campaigns.builders import make_campaign
from tests.plugins.servers import free_port, program
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
]
SCENARIO = Path(__file__).parent / "callees.xml"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
# What each person's number ends with, what comes of the call, and when the next is.
EXPECTED: dict[str, tuple[str, str, int | None]] = {
    "01": ("answered", "completed", None),
    "02": ("busy", "pending", 5 * MINUTE),
    "03": ("no_answer", "pending", 2 * HOUR),
    "04": ("voicemail", "pending", DAY),
    "06": ("rejected", "failed", None),
    "07": ("failed", "pending", MINUTE),
}
RULES: dict[str, Any] = {
    "busy": {"delays_seconds": [5 * MINUTE]},
    "no_answer": {"delays_seconds": [2 * HOUR]},
    "voicemail": {"delays_seconds": [DAY]},
    "rejected": {"delays_seconds": [0], "max_times": 0},
    "failed": {"delays_seconds": [MINUTE]},
}


def greeting(folder: Path) -> Path:
    """A voicemail's greeting and its beep as a telephone carries them: A-law, 8 kHz."""
    speech = np.frombuffer(b"".join(speak(VOICEMAIL_GREETING).frames), np.int16)
    pairs = speech[: speech.size // 2 * 2].reshape(-1, 2).mean(axis=1)
    beep = 8_000 * np.sin(2 * np.pi * 1_000 * np.arange(4_000) / 8_000)
    sound = np.concatenate([np.zeros(2_400), pairs, np.zeros(1_600), beep])
    file = folder / "greeting.al"
    file.write_bytes(G711Encoder("PCMA").encode(sound.astype(np.int16).tobytes()))
    return file


@contextmanager
def callees(folder: Path, port: int) -> Iterator[None]:
    """Let sipp answer for everybody at a port of this machine."""
    scenario = folder / "callees.xml"
    scenario.write_text(SCENARIO.read_text().replace("GREETING", str(greeting(folder))))
    command = [program("sipp", "sip-tester"), "-sf", str(scenario), "-nostdin"]
    command += ["-i", "127.0.0.1", "-p", str(port), "-t", "u1", "-aa"]
    with (folder / "sipp.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def on_trunk(house: House, port: int) -> PhoneNumber:
    trunk = add_trunk(
        organization=house.organization,
        values={
            "name": "sipp",
            "host": "127.0.0.1",
            "port": port,
            "calls_per_second": 5,
            "max_channels": 20,
        },
        actor=None,
    )
    PhoneNumber.objects.filter(pk=house.number.pk).update(trunk=trunk, carrier="sip")
    return PhoneNumber.objects.select_related("trunk").get(pk=house.number.pk)


def test_every_end_of_a_call_has_its_outcome_and_its_retry(
    bakery: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, log = free_port(), tmp_path / "voice.log"
    monkeypatch.setenv("SIP_HOST", "127.0.0.1")
    monkeypatch.setenv("SIP_PORT", "0")
    with all_organizations("a client with lines enough"):
        Organization.objects.update(max_concurrent_calls=20)
    with organization_scope(bakery.organization):
        number = on_trunk(bakery, port)  # a voice process reads trunks as it starts
    with (
        organization_scope(bakery.organization),
        callees(tmp_path, port),
        voice_process(log),
    ):
        people = [LeadRow(f"+316100000{end}", end, {}) for end in EXPECTED]
        campaign = make_campaign(
            bakery, leads=people, number=number, max_attempts=3, max_concurrent_calls=10
        )
        Campaign.objects.filter(pk=campaign.pk).update(retry_rules=RULES)
        tasks.dial_campaign(
            campaign_id=str(campaign.pk), organization_id=str(bakery.organization.pk)
        )
        assert Call.objects.count() == len(EXPECTED)
        wait_for(lambda: not Call.objects.live().exists(), within_s=90, log=log)
        tasks.reconcile_attempts()
        leads = {lead.name: lead for lead in Lead.objects.filter(campaign=campaign)}
        ends = Call.objects.values_list("callee_number", "end_reason", "error")
        assert {
            name: (lead.last_outcome, lead.status) for name, lead in leads.items()
        } == {
            end: (outcome, status) for end, (outcome, status, _) in EXPECTED.items()
        }, list(ends)
        for end, (_outcome, _status, delay_s) in EXPECTED.items():
            if delay_s is not None:
                after_s = (leads[end].due_at - timezone.now()).total_seconds()
                assert delay_s - 60 < after_s <= delay_s
        codes = dict(Call.objects.values_list("callee_number", "carrier_code"))
        assert {codes[f"+316100000{end}"] for end in ("02", "06", "07")} == {
            *("486", "603", "503")
        }
