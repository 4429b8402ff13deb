"""What a page costs when one portal is served, and when a thousand are.

Run in a process of its own by `bench.money`'s way: Django's settings know one database.
Prints one JSON object a line. A page is the sign-in page, asked of the whole stack of
middleware; with a thousand portals each request is for another one.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

LIMIT: Final = 1.1
PATH: Final = "/accounts/login/"


def main(rounds: int, requests: int, portals: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    import django

    django.setup()
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from portal.services.organizations import open_agency

    hosts = [
        f"{open_agency(name='Bench 1', slug='bench-one', actor=None).slug}.localhost"
    ]

    def visit(host: str) -> float:
        client = Client(SERVER_NAME=host)
        began_s = time.perf_counter()
        answer = client.get(PATH)
        took_s = time.perf_counter() - began_s
        assert answer.status_code == 200, answer.status_code
        return took_s * 1000

    def median(hosts: Sequence[str]) -> float:
        return statistics.median(
            visit(hosts[at % len(hosts)]) for at in range(requests)
        )

    alone = [_warm(median, hosts) for _round in range(rounds)]
    for number in range(2, portals + 1):
        portal = open_agency(
            name=f"Bench {number}", slug=f"bench-{number:04d}x", actor=None
        )
        hosts.append(f"{portal.slug}.localhost")
    many = [_warm(median, hosts) for _round in range(rounds)]
    visit(hosts[0])
    with CaptureQueriesContext(connection) as queries:
        visit(hosts[0])
    ratio = statistics.median(many) / statistics.median(alone)
    print(
        json.dumps(
            {
                "name": f"sign-in page, {portals} portals",
                "unit": "ms",
                "ours": round(statistics.median(many), 3),
                "peer": round(statistics.median(alone), 3),
                "peer_name": "the same page, one portal",
                "limit": None,
                "limit_name": "",
                "ratio_to_peer": round(ratio, 3),
                "ratio_to_limit": None,
                "goal": f"at most {LIMIT} times",
                "met": ratio <= LIMIT,
                "runs": [round(value, 3) for value in many],
            }
        )
    )
    print(
        json.dumps(
            {
                "name": "sign-in page, queries on a warm cache",
                "unit": "",
                "ours": len(queries),
                "peer": None,
                "peer_name": "",
                "limit": 0,
                "limit_name": "none",
                "ratio_to_peer": None,
                "ratio_to_limit": None,
                "goal": "none",
                "met": len(queries) == 0,
                "runs": [len(queries)],
            }
        )
    )


def _warm(median: Callable[[Sequence[str]], float], hosts: Sequence[str]) -> float:
    """Measure after a round that nobody counts."""
    median(hosts)
    return median(hosts)


if __name__ == "__main__":
    main(*(int(float(word)) for word in sys.argv[1:4]))
