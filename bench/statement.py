"""The statement of books of a thousand entries and of a million, as a person sees it.

    python -m bench.statement [REQUESTS ENTRIES]

DATABASE_URL names a migrated, empty database to work in.

Two agencies have the same page and books of different length: calls that were settled,
written as the ledger writes them. Both are asked in turns, for the newest page and for
one in the middle of the books, through the whole stack to the last byte of HTML.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Final

import django
from django.db import connection

from bench.figures import Figure, at_most, percentile

FEW: Final = 1_000
GOAL: Final = 1.5
COST: Final = 1_000

_ENTRIES: Final = """
insert into billing_ledgerentry (id, kind, idempotency_key, organization_id, agency_id,
  source, source_id, memo, details, actor_id, corrects_id, created_at)
select md5(%(owner)s::text || n)::uuid, 'settle', 'bench:' || %(owner)s || ':' || n,
  %(owner)s, %(owner)s, 'call', gen_random_uuid(), '',
  '{"seconds": 60, "microcredits_per_minute": 1000}', null, null,
  %(begin)s + n * interval '10 microseconds'
from generate_series(1, %(count)s) as n
"""
_POSTINGS: Final = """
insert into billing_posting (organization_id, agency_id, entry_id, account_id,
  amount_microcredits, balance_after_microcredits, created_at)
select %(owner)s, %(owner)s, md5(%(owner)s::text || n)::uuid, a.id,
  case a.kind when 'usage' then %(cost)s else -%(cost)s end,
  a.balance_microcredits + n * case a.kind when 'usage' then %(cost)s else -%(cost)s end,
  %(begin)s + n * interval '10 microseconds'
from generate_series(1, %(count)s) as n
cross join billing_account a
where a.organization_id = %(owner)s and a.kind in ('wallet', 'usage')
order by n
"""
_BALANCES: Final = """
update billing_account a set balance_microcredits = a.balance_microcredits
  + %(count)s * case a.kind when 'usage' then %(cost)s else -%(cost)s end
where a.organization_id = %(owner)s and a.kind in ('wallet', 'usage')
"""


def _visitor(name: str, entries: int) -> tuple[Any, int]:
    """Open an agency with such books; return its owner's browser and a middle line."""
    from django.test import Client
    from django.utils import timezone

    from billing.grants import grant_credits
    from billing.models import Posting
    from portal.models import Organization, Role
    from portal.scope import all_organizations, organization_scope
    from portal.services.organizations import add_member, open_agency

    slug = f"bench-{name}"
    portal = open_agency(name=f"Bench {name}", slug=slug, actor=None)
    with all_organizations("the bench makes its own books"):
        agency = Organization.objects.get(pk=portal.agency_id)
    with organization_scope(agency):
        owner = add_member(
            organization=agency,
            email=f"owner@{slug}.example",
            role=Role.OWNER,
            actor=None,
        ).user
        grant_credits(
            organization=agency,
            amount_microcredits=10**12,
            idempotency_key="bench",
            actor=None,
        )
        values: dict[str, Any] = {
            "owner": agency.pk,
            "count": entries,
            "cost": COST,
            "begin": timezone.now(),
        }
        with connection.cursor() as cursor:
            for sql in (_ENTRIES, _POSTINGS, _BALANCES):
                cursor.execute(sql, values)
        numbers = Posting.objects.filter(account__kind="usage").order_by("pk")
        middle = numbers.values_list("pk", flat=True)[entries // 2]
    browser = Client(SERVER_NAME=f"{slug}.localhost")
    browser.force_login(owner)
    return browser, middle


def _ask(browser: Any, path: str) -> float:
    began_s = time.perf_counter()
    answer = browser.get(path)
    took_ms = (time.perf_counter() - began_s) * 1_000
    if answer.status_code != 200 or answer.content.count(b"<tr") < 50:
        raise RuntimeError(f"{path} answered {answer.status_code}, without its lines.")
    return took_ms


def figures(*, requests: int, entries: int) -> list[dict[str, Any]]:
    """The newest page and one in the middle, each as p95 and its ratio."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.urls import reverse

    path = reverse("billing_statement")
    few, few_middle = _visitor("few", FEW)
    many, many_middle = _visitor("many", entries)
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    found = []
    for name, of_few, of_many in (
        ("newest page", path, path),
        ("middle page", f"{path}?before={few_middle}", f"{path}?before={many_middle}"),
    ):
        taken: dict[str, list[float]] = {"few": [], "many": []}
        for number in range(requests + 5):
            turns = [("few", few, of_few), ("many", many, of_many)]
            for side, browser, page in turns if number % 2 else reversed(turns):
                took_ms = _ask(browser, page)
                if number >= 5:  # the first ones warm up
                    taken[side].append(took_ms)
        ours, peer = percentile(taken["many"], 0.95), percentile(taken["few"], 0.95)
        assert ours is not None
        assert peer is not None
        found.append(
            Figure(
                name=f"statement, {name} of {entries:,} entries, p95",
                unit="ms",
                ours=round(ours, 1),
                peer=round(peer, 1),
                peer_name=f"the same page of {FEW:,} entries",
                ratio_to_peer=round(ours / peer, 2),
                goal=f"at most {GOAL} times",
                met=at_most(ours / peer, GOAL),
                runs=[round(took_ms, 1) for took_ms in taken["many"]],
            ).as_json()
        )
    return found


if __name__ == "__main__":
    given = sys.argv[1:] or ["100", "1000000"]
    for figure in figures(requests=int(float(given[0])), entries=int(float(given[1]))):
        sys.stdout.write(json.dumps(figure) + "\n")
