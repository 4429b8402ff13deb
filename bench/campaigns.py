"""Importing a million people, and dialing fifty a second among them.

    python -m bench.campaigns LEADS SECONDS

DATABASE_URL names a migrated, empty database to work in, looked after by autovacuum as
an installation's is. Measured are, in turn: an import beside COPY, one of a spreadsheet,
dialing at fifty a second among few and among many leads, all that a trunk of fifty a
second lets start, and a worker that is killed.

"Due to dial" is from the moment a lead may be called to the commit of its call, with
ticks as often as beat sends them. Starts are the moments its trunk gave, at which a
voice process dials. The processes beside it are those of `bench.dialing`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from datetime import timedelta
from typing import Any, Final

import django

from bench.campaign_figures import (
    FEW,
    RATE,
    Measured,
    dial_figures,
    import_figures,
)
from bench.dialing import enders, process, report_of
from bench.importing import Lines, measure_copy, measure_import, spreadsheet

AMPLE: Final = 60.0  # so that leads that come due at RATE never wait for the trunk
SHEET_ROWS: Final = 100_000
LEAD_IN_S: Final = 5.0  # for what it takes to make leads due
LATE_S: Final = 30.0  # after the last lead came due, at most


def _open() -> Any:
    """Make an agency with credits, an assistant, a number, and hours at any time."""
    from assistants.services import create_assistant
    from billing.grants import grant_credits
    from billing.ledger import open_accounts
    from calls.models import PhoneNumber
    from campaigns.models import CallingLimits, LegalHours
    from common.windows import WHOLE_WEEK
    from portal.models import Organization
    from portal.scope import all_organizations, organization_scope
    from portal.services.organizations import open_agency
    from tests.world import desk_spec

    portal = open_agency(name="Bench", slug="bench", actor=None)
    agency = portal.agency
    LegalHours.objects.create(country="NL", hours=WHOLE_WEEK.as_json())
    with all_organizations("the bench makes its own organization"):
        Organization.objects.filter(pk=agency.pk).update(
            max_concurrent_calls=20_000,
            created_at=agency.created_at - timedelta(days=30),
        )
        agency.refresh_from_db()
    with organization_scope(agency):
        open_accounts(agency)
        grant_credits(
            organization=agency,
            amount_microcredits=10**15,
            idempotency_key="bench",
            actor=None,
        )
        assistant = create_assistant(organization=agency, spec=desk_spec(), actor=None)
        number = PhoneNumber.objects.create(
            organization=agency, number="+31201234567", assistant=assistant
        )
        CallingLimits.objects.create(organization=agency, reserved_percent=0)
    return agency, assistant, number


def _campaign(agency: Any, assistant: Any, number: Any, name: str) -> Any:
    from campaigns.services import NewCampaign, create_campaign

    return create_campaign(
        organization=agency,
        new=NewCampaign(
            name=name,
            assistant=assistant,
            number=number,
            max_concurrent_calls=10_000,
            max_attempts=1,
        ),
        actor=None,
    )


def _rest(campaign: Any) -> None:
    """Let nobody of a campaign be due. Needs its organization's scope."""
    from django.utils import timezone

    from campaigns.models import Lead

    now = timezone.now()
    Lead.objects.filter(
        campaign=campaign,
        status=Lead.Status.PENDING,
        due_at__lt=now + timedelta(hours=12),
    ).update(due_at=now + timedelta(days=1))


def _settle() -> None:
    """Do what autovacuum does within minutes of an import, so that it does not do it
    while calls are timed."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("vacuum (analyze) campaigns_lead")


def _launch(campaign: Any, *, starts_per_s: float, due: dict[Any, Any]) -> None:
    """Let a campaign call those of `due` at their time, and nobody else."""
    from calls.models import TrunkPace
    from campaigns.models import Campaign
    from campaigns.services import launch_campaign

    TrunkPace.objects.update_or_create(
        trunk="simulator", defaults={"starts_per_s": starts_per_s}
    )
    Campaign.objects.running().update(status=Campaign.Status.PAUSED)
    _rest(campaign)
    _make_due(due)
    if not launch_campaign(campaign=campaign, actor=None):
        Campaign.objects.filter(pk=campaign.pk).update(
            status=Campaign.Status.SCHEDULED, idle_until=None
        )


def _make_due(due: dict[Any, Any]) -> None:
    """Set when leads come due, in one statement: the first ones do so in seconds."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "update campaigns_lead set due_at = wanted.at"
            " from unnest(%s::uuid[], %s::timestamptz[]) as wanted (id, at)"
            " where campaigns_lead.id = wanted.id",
            [list(due), list(due.values())],
        )


def _next_leads(campaign: Any, count: int) -> list[Any]:
    from campaigns.models import Lead

    waiting = Lead.objects.filter(campaign=campaign, status=Lead.Status.PENDING)
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:count])


def _attempts(leads: list[Any]) -> list[Any]:
    from campaigns.models import Attempt

    found: list[Any] = []
    for start in range(0, len(leads), 5_000):
        made = Attempt.objects.filter(
            lead__in=leads[start : start + 5_000], dialed_at__isnull=False
        )
        found += made.values_list("lead_id", "dialed_at", "start_at")
    return found


def measure_waits(campaign: Any, seconds: float) -> dict[str, Any]:
    """Let fifty leads a second come due; return how long they wait for their call."""
    from django.utils import timezone

    from campaigns.services import pause_campaign
    from portal.scope import organization_scope

    with organization_scope(campaign.organization):
        leads = _next_leads(campaign, int(RATE * seconds))
        with enders(), process("worker") as worker:
            # From here on: a process may take longer to start than calls are timed.
            begin = timezone.now() + timedelta(seconds=LEAD_IN_S)
            due = {
                pk: begin + timedelta(seconds=n / RATE) for n, pk in enumerate(leads)
            }
            _launch(campaign, starts_per_s=AMPLE, due=due)
            last = max(due.values())
            time.sleep(max(0.0, (last - timezone.now()).total_seconds()))
            late = last + timedelta(seconds=LATE_S)
            while len(_attempts(leads)) < len(leads) and timezone.now() < late:
                time.sleep(1)
            open_calls = _open_calls(campaign)
            pause_campaign(campaign=campaign, actor=None)
            counted = report_of(worker)
        waits = sorted(
            (at - due[lead]).total_seconds() for lead, at, _s in _attempts(leads)
        )
    return {
        "p50_s": _at(waits, 0.5),
        "p95_s": _at(waits, 0.95),
        "dialled": len(waits),
        "wanted": len(leads),
        "queries": _per_dial(counted, "statements"),
        "cpu_ms": _per_dial(counted, "cpu_s", 1_000),
        "open_calls": open_calls,
    }


def _open_calls(campaign: Any) -> int:
    """Count calls that wait to be ended: near its limit the campaign waits for them."""
    from campaigns.models import Attempt

    return Attempt.objects.open().filter(lead__campaign=campaign).count()


def measure_starts(campaign: Any, seconds: float) -> dict[str, Any]:
    """Let everybody be due; return how many starts the trunk's rate came to."""
    from django.utils import timezone

    from campaigns.services import pause_campaign
    from portal.scope import organization_scope

    with organization_scope(campaign.organization):
        leads = _next_leads(campaign, int(2 * RATE * seconds))
        with enders(), process("worker"), process("worker"):
            now = timezone.now()
            _launch(campaign, starts_per_s=RATE, due=dict.fromkeys(leads, now))
            time.sleep(seconds)
            open_calls = _open_calls(campaign)
            pause_campaign(campaign=campaign, actor=None)
        starts = sorted(at.timestamp() for _lead, _at_, at in _attempts(leads))
    took_s = starts[-1] - starts[0] if len(starts) > 1 else 0.0
    return {
        "starts": len(starts),
        "most_1s": _most(starts, 1.0),
        "most_5s": _most(starts, 5.0),
        "used": (len(starts) - 1) / took_s / RATE if took_s else 0.0,
        "open_calls": open_calls,
    }


def measure_recovery(campaign: Any) -> dict[str, Any]:
    """Kill a worker that has claimed leads; return when the last was dialled, and how."""
    from django.utils import timezone

    from calls.models import Call
    from campaigns.models import Attempt
    from portal.scope import organization_scope

    with organization_scope(campaign.organization):
        leads = _next_leads(campaign, 100)
        with enders():
            _launch(
                campaign,
                starts_per_s=RATE,
                due=dict.fromkeys(leads, timezone.now()),
            )
            with process("dying") as dying:
                assert dying.stdout is not None
                claimed = int(dying.stdout.readline())
                dying.wait()
            killed_at = time.monotonic()
            late = Attempt.objects.filter(lead__in=leads, dialed_at__isnull=True)
            with process("worker"):
                while late.exists() and time.monotonic() < killed_at + 60:
                    time.sleep(0.1)
                took_s = time.monotonic() - killed_at
            numbers = list(
                Call.objects.filter(metadata__lead_id__in=list(map(str, leads)))
                .order_by()
                .values_list("callee_number", flat=True)
            )
    return {
        "claimed": claimed,
        "took_s": round(took_s, 1),
        "calls": len(numbers),
        "twice": len(numbers) - len(set(numbers)),
    }


def _per_dial(counted: dict[str, float], name: str, scale: float = 1) -> float | None:
    placed = counted["placed"]
    return round(scale * counted[name] / placed, 1) if placed else None


def _at(waits: list[float], part: float) -> float | None:
    return round(waits[int(part * len(waits))], 2) if waits else None


def _most(starts: list[float], window_s: float) -> int:
    most = first = 0
    for last, at in enumerate(starts):
        while starts[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def measure(*, leads: int, seconds: float) -> Measured:
    """Measure import and dialing among few and among many leads."""
    from portal.scope import organization_scope

    agency, assistant, number = _open()
    with organization_scope(agency):
        small = _campaign(agency, assistant, number, "Few")
        measure_import(small, Lines(min(FEW, leads)))  # type: ignore[arg-type]
        measure_copy()
        _rest(small)
    _settle()
    among_few = measure_waits(small, min(seconds, FEW / RATE / 2))
    with organization_scope(agency):
        big = _campaign(agency, assistant, number, "Many")
        import_s, csv_mb = measure_import(big, Lines(leads))  # type: ignore[arg-type]
        copy_s = measure_copy()
        sheet = _campaign(agency, assistant, number, "Sheet")
        _, xlsx_mb = measure_import(sheet, spreadsheet(min(SHEET_ROWS, leads)))
        _rest(big)
    _settle()
    return Measured(
        leads=leads,
        import_s=import_s,
        copy_s=copy_s,
        csv_grown_mb=csv_mb,
        xlsx_grown_mb=xlsx_mb,
        among_few=among_few,
        among_many=measure_waits(big, seconds),
        starts=measure_starts(big, min(seconds, 60.0)),
        recovery=measure_recovery(big),
    )


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    given = sys.argv[1:] or ["1000000", "600"]
    found = measure(leads=int(given[0]), seconds=float(given[1]))
    for figure in import_figures(found) + dial_figures(found):
        sys.stdout.write(json.dumps(figure.as_json()) + "\n")


if __name__ == "__main__":
    main()
