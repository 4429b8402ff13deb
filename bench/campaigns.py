"""Importing a million people, and dialing fifty a second among them.

    python -m bench.campaigns LEADS SECONDS

DATABASE_URL names a migrated, empty database to work in.

The import is beside PostgreSQL's own COPY of the same rows into a table with the same
columns, indexes and foreign keys. The dialer runs with two workers as in production:
one claims in ticks of half a second and shares its attempts with the other; calls are
placed for real, with holds and records, and ended at once as busy, so that lines stay
free. "Due to dial" is from the moment a lead may be called to the commit of its call.
Starts are the moments its trunk gave, at which a voice process dials.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import django
import psycopg

RATE: Final = 50.0
_COPY_TABLE: Final = """
create table bench_lead (like campaigns_lead including all);
alter table bench_lead
  add foreign key (campaign_id) references campaigns_campaign,
  add foreign key (organization_id) references portal_organization,
  add foreign key (agency_id) references portal_organization;
"""


def _people(count: int) -> Iterator[str]:
    yield "phone,name,city,visits\n"
    for n in range(count):
        yield f"+316{10_000_000 + n},Person {n},Delft,{n % 7}\n"


class _Lines(io.RawIOBase):
    """A file of that many people which is made while it is read."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._start()

    def _start(self) -> None:
        self._lines, self._left = _people(self._count), b""

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._start()
        return 0

    def read(self, size: int = -1) -> bytes:
        while len(self._left) < size:
            block = "".join(next(self._lines, "") for _ in range(2_000)).encode()
            if not block:
                break
            self._left += block
        found, self._left = self._left[:size], self._left[size:]
        return found


def _open() -> Any:
    """Make an agency with credits, an assistant, a number, and hours at any time."""
    from assistants.services import create_assistant
    from billing.grants import grant_credits
    from billing.ledger import open_accounts
    from calls.models import PhoneNumber, TrunkPace
    from campaigns.models import CallingLimits, LegalHours
    from common.windows import WHOLE_WEEK
    from portal.models import Organization
    from portal.scope import all_organizations, organization_scope
    from portal.services.organizations import open_agency
    from tests.world import desk_spec

    portal = open_agency(name="Bench", slug="bench", actor=None)
    agency = portal.agency
    LegalHours.objects.create(country="NL", hours=WHOLE_WEEK.as_json())
    TrunkPace.objects.create(trunk="simulator", starts_per_s=RATE)
    with all_organizations("the bench makes its own organization"):
        Organization.objects.filter(pk=agency.pk).update(
            max_concurrent_calls=2_000,
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
            max_concurrent_calls=1_000,
            max_attempts=1,
        ),
        actor=None,
    )


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _measure_import(campaign: Any, count: int) -> dict[str, Any]:
    from campaigns import streaming
    from campaigns.columns import Columns
    from campaigns.models import LeadImport

    lines = _Lines(count)
    row = LeadImport.objects.create(
        organization=campaign.organization,
        campaign=campaign,
        columns=streaming.preview_of(lines).columns.as_json() | {"headings": True},  # type: ignore[arg-type]
        region="NL",
        status=LeadImport.Status.RUNNING,
    )
    columns = Columns.from_json(row.columns)
    before_mb = 0.0
    begin = time.perf_counter()
    for number, batch in enumerate(streaming._batches(row, lines)):
        assert streaming._store(row.pk, columns, "NL", batch)
        if number == 3:
            before_mb = _rss_mb()
    ours_s = time.perf_counter() - begin
    grown_mb = _rss_mb() - before_mb
    return {"ours_s": ours_s, "grown_mb": round(grown_mb, 1), "copy_s": _copy(campaign)}


def _copy(campaign: Any) -> float:
    """Copy the rows that were imported, as they are, into a table just like theirs."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as link:
        link.execute("set app.agency = '*'; set app.organization = '*'")
        link.execute("drop table if exists bench_lead")
        link.execute(_COPY_TABLE)
        data: list[bytes] = []
        query = "copy (select * from campaigns_lead) to stdout"
        with link.cursor().copy(query) as copy:
            data.extend(bytes(block) for block in copy)
        begin = time.perf_counter()
        with link.cursor().copy("copy bench_lead from stdin") as copy:
            for block in data:
                copy.write(block)
        took = time.perf_counter() - begin
        link.execute("drop table bench_lead")
        link.execute("vacuum analyze campaigns_lead")
    return took


def _end_calls(stop: threading.Event) -> None:
    """End what rings, as a voice process does that finds everybody busy."""
    from django.db import connection

    from calls.models import Call
    from calls.services.finish import Outcome, finish_call
    from calls.services.nodes import beat, register_node
    from calls.session.events import EndReason
    from campaigns.finishing import finish_attempt_of_call
    from portal.scope import Scope, all_organizations, organization_scope

    node = register_node(host="bench", pid=1, capacity=5_000)
    while not stop.wait(0.2):
        beat(node_id=node.pk, call_ids=[])
        with all_organizations("the bench ends every call"):
            live = list(Call.objects.live().select_related("organization")[:100])
        for call in live:
            scope = Scope(call.agency_id, call.organization_id)
            finish_call(call_id=call.pk, scope=scope, outcome=Outcome(EndReason.BUSY))
            with organization_scope(call.organization):
                finish_attempt_of_call(call_id=call.pk)
    connection.close()


def _dial(campaign: Any, seconds: float) -> dict[str, Any]:
    """Dial for that long; return waits, moments and queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from campaigns import dialing
    from campaigns.claiming import claim_leads
    from campaigns.models import Attempt, Lead
    from campaigns.services import launch_campaign
    from portal.scope import organization_scope

    agency = campaign.organization
    with organization_scope(agency):
        launch_campaign(campaign=campaign, actor=None)
        later = Lead.objects.filter(campaign=campaign)
        # Nobody is due but those who become so, fifty a second, while it is measured.
        from django.utils import timezone

        now = timezone.now()
        later.update(due_at=now + timedelta(days=1))
        ids = list(later.values_list("pk", flat=True)[: int(RATE * seconds)])
        spaced = [
            Lead(pk=pk, due_at=now + timedelta(seconds=2 + n / RATE))
            for n, pk in enumerate(ids)
        ]
        Lead.objects.bulk_update(spaced, ["due_at"], batch_size=1_000)
    due = {lead.pk: lead.due_at for lead in spaced}
    stop = threading.Event()
    ender = threading.Thread(target=_end_calls, args=(stop,))
    ender.start()
    time.sleep(0.5)
    queries: list[float] = []
    until = time.monotonic() + seconds + 6
    with organization_scope(agency):
        while time.monotonic() < until:
            began = time.monotonic()
            claimed = claim_leads(campaign_id=campaign.pk, organization=agency)
            if claimed and not queries:
                with CaptureQueriesContext(connection) as captured:
                    dialing.dial_attempts(claimed[:1])
                queries.append(len(captured))
                claimed = claimed[1:]
            dialing.dial_attempts(claimed)
            time.sleep(max(0.0, 0.5 - (time.monotonic() - began)))
        stop.set()
        ender.join()
        made: Any = list(
            Attempt.objects.filter(lead__campaign=campaign, dialed_at__isnull=False)
            .order_by("start_at")
            .values_list("lead_id", "dialed_at", "start_at")
        )
    waits = sorted(
        (at - due[lead]).total_seconds() for lead, at, _s in made if lead in due
    )
    starts = [start.timestamp() for _l, _at, start in made]
    return {
        "p95_s": waits[int(0.95 * len(waits))] if waits else None,
        "dialled": len(made),
        "wanted": len(ids),
        "queries": queries[0] if queries else None,
        "most_1s": _most(starts, 1.0),
        "most_5s": _most(starts, 5.0),
        "used": (len(starts) - 1) / (starts[-1] - starts[0]) / RATE
        if len(starts) > 1
        else 0,
    }


def _most(starts: list[float], window_s: float) -> int:
    most = first = 0
    for last, at in enumerate(starts):
        while starts[first] <= at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def _figure(
    name: str, unit: str, ours: float | None, goal: str, met: bool | None, **more: Any
) -> dict[str, Any]:
    empty = (
        "peer",
        "peer_name",
        "limit",
        "limit_name",
        "ratio_to_peer",
        "ratio_to_limit",
    )
    return {
        "name": f"campaigns: {name}",
        "unit": unit,
        "ours": ours,
        **dict.fromkeys(empty),
        "goal": goal,
        "met": met,
        "runs": [],
        **more,
    }


def figures(*, leads: int, seconds: float) -> list[dict[str, Any]]:
    """Measure import and dialing among few and among many leads."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from portal.scope import organization_scope

    agency, assistant, number = _open()
    few = min(10_000, leads)
    with organization_scope(agency):
        small = _campaign(agency, assistant, number, "Few")
        _measure_import(small, few)
    among_few = _dial(small, seconds)
    with organization_scope(agency):
        big = _campaign(agency, assistant, number, "Many")
        imported = _measure_import(big, leads)
    among_many = _dial(big, seconds)
    ratio = round(imported["ours_s"] / imported["copy_s"], 2)
    p95_few, p95_many = among_few["p95_s"], among_many["p95_s"]
    growth = round(p95_many / p95_few, 2) if p95_few and p95_many else None
    limit_ok = among_many["most_1s"] <= RATE and among_many["most_5s"] <= 5 * RATE
    return [
        _figure(
            f"import of {leads:,} leads",
            "s",
            round(imported["ours_s"], 1),
            "at most 4 times COPY",
            ratio <= 4,
            limit=round(imported["copy_s"], 1),
            limit_name="COPY of the same rows and one campaign more",
            ratio_to_limit=ratio,
        ),
        _figure(
            "memory an import grows by after its first batches",
            "MB",
            imported["grown_mb"],
            "flat: at most 20 MB",
            imported["grown_mb"] <= 20,
        ),
        _figure(
            f"due to dial, p95, {RATE:.0f} a second among {leads:,}",
            "s",
            None if p95_many is None else round(p95_many, 2),
            f"at most 1.5 times that among {few:,}",
            None if growth is None else growth <= 1.5,
            limit=None if p95_few is None else round(p95_few, 2),
            limit_name=f"the same among {few:,}",
            ratio_to_limit=growth,
            runs=[among_few, among_many],
        ),
        _figure(
            "most starts in any second",
            "starts",
            among_many["most_1s"],
            f"never above {RATE:.0f}, nor {5 * RATE:.0f} in five",
            limit_ok,
            limit=RATE,
            limit_name="the trunk's rate",
            ratio_to_limit=round(among_many["most_1s"] / RATE, 2),
            runs=[{"most_5s": among_many["most_5s"]}],
        ),
        _figure(
            "rate used",
            "of the trunk's",
            round(among_many["used"], 3),
            "at least 0.95",
            among_many["used"] >= 0.95,
        ),
        _figure(
            "database queries of a dial",
            "queries",
            among_many["queries"],
            "told",
            None if among_many["queries"] is None else True,
        ),
    ]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    given = sys.argv[1:] or ["1000000", "600"]
    for figure in figures(leads=int(given[0]), seconds=float(given[1])):
        sys.stdout.write(json.dumps(figure) + "\n")
