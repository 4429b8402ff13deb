"""A process of its own that moves money: `python -m tests.billing.worker TASK ORG N`.

hold     hold for 10 seconds N times; prints how many were held and how many refused
churn    hold, extend and settle until it is killed; prints a line for each call
one      hold once
sweep    release every hold that expires within a year
"""

from __future__ import annotations

import sys
from uuid import UUID, uuid4

import django

django.setup()

from billing import holds  # noqa: E402 - models need django.setup() first
from billing.errors import NotEnoughCredits  # noqa: E402
from portal.models import Organization  # noqa: E402
from portal.scope import all_organizations, organization_scope  # noqa: E402
from tests.billing.books import START, hold  # noqa: E402


def hold_many(organization: Organization, times: int) -> None:
    held = 0
    for _ in range(times):
        try:
            hold(organization, uuid4(), 10)
        except NotEnoughCredits:
            continue
        held += 1
    sys.stdout.write(f"{held} {times - held}\n")


def churn(organization: Organization) -> None:
    while True:
        call_id = uuid4()
        hold(organization, call_id, 30)
        with organization_scope(organization):
            holds.extend_hold(call_id=call_id, total_seconds=40, expires_at=START)
            holds.settle_call(call_id=call_id, seconds=20)
        sys.stdout.write(f"{call_id}\n")
        sys.stdout.flush()


def main(task: str, organization_id: str, times: str) -> None:
    with all_organizations("a worker is told whom to work for"):
        organization = Organization.objects.select_related("parent").get(
            pk=UUID(organization_id)
        )
    if task == "hold":
        hold_many(organization, int(times))
    elif task == "churn":
        churn(organization)
    elif task == "one":
        hold(organization, uuid4(), 30)
    elif task == "sweep":
        holds.release_expired_holds(START.replace(year=START.year + 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
