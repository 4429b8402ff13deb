"""The API beside a bare view, with few calls and with a million, and the outbox.

    python -m bench.api [ROUNDS SECONDS CALLS]

DATABASE_URL names a migrated, empty database to work in.

The bare view makes the same query and the same JSON, in Django's own handler with no
middleware: it knows no key, no limit, no scope, no schema. Both run in this process on
one connection, in turns.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

import django

from bench import asking, outbox
from bench.api_house import fill, house
from bench.bare import bare_rounds, timed
from bench.figures import Figure, at_least, at_most, median, ratio, spread

# Rounds, seconds of each, calls of the full organization.
FULL: Final = (5, 3.0, 1_000_000)
QUICK: Final = (1, 0.5, 20_000)
FEW: Final = 1_000
RATIO_GOAL: Final = 0.6
GROWTH_GOAL: Final = 1.5


class _Asker:
    """Sends GETs to the product's handler, and to the bare view's, in this process."""

    def __init__(self, host: str, organization: Any) -> None:
        from django.test import Client

        from portal.scope import organization_scope
        from portal.services.api_keys import issue_key

        with organization_scope(organization):
            _row, key = issue_key(organization=organization, name="Bench", actor=None)
        self.organization = organization
        self._client = Client(
            SERVER_NAME=host,
            HTTP_AUTHORIZATION=f"Bearer {key}",
            raise_request_exception=True,
        )

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.content[:300]
        return answer


def _reading(rounds: int, seconds: float, many: int) -> list[Figure]:
    _portal, few, full, host = house()
    fill(few, FEW)
    fill(full, many)
    asker, full_asker = _Asker(host, few), _Asker(host, full)
    bare = bare_rounds(few)
    found = []
    for name in ("assistants", "calls"):
        ours, theirs, ours_p95, theirs_p95 = [], [], [], []
        for _ in range(rounds):
            rate, p95 = timed(lambda: asker.get(f"/{name}"), seconds)  # noqa: B023
            ours.append(rate)
            ours_p95.append(p95)
            rate, p95 = bare[name](seconds)
            theirs.append(rate)
            theirs_p95.append(p95)
        middle, least, most = ratio(ours, theirs)
        found.append(
            Figure(
                f"GET /{name}",
                "a second",
                median(ours),
                f"at least {RATIO_GOAL} × a bare view; {spread((middle, least, most))}",
                at_least(middle, RATIO_GOAL),
                peer=median(theirs),
                peer_name="the same query in a bare view",
                ratio_to_peer=middle,
                runs=[ours, theirs],
            )
        )
        slower, *_rest = ratio(ours_p95, theirs_p95)
        found.append(
            Figure(
                f"GET /{name}, 95 %",
                "ms",
                median(ours_p95),
                f"at most {round(1 / RATIO_GOAL, 2)} × a bare view",
                at_most(slower, 1 / RATIO_GOAL),
                peer=median(theirs_p95),
                peer_name="the same query in a bare view",
                ratio_to_peer=slower,
                runs=[ours_p95, theirs_p95],
            )
        )
    small, large = [], []
    for _ in range(rounds):
        small.append(timed(lambda: asker.get("/calls"), seconds)[1])
        large.append(timed(lambda: full_asker.get("/calls"), seconds)[1])
    growth = ratio(large, small)
    found.append(
        Figure(
            f"GET /calls of {many:,} calls, 95 %",
            "ms",
            median(large),
            f"at most {GROWTH_GOAL} × that of {FEW:,}; {spread(growth)}",
            at_most(growth[0], GROWTH_GOAL),
            peer=median(small),
            peer_name=f"{FEW:,} calls",
            ratio_to_peer=growth[0],
            runs=[large, small],
        )
    )
    return found


def main() -> None:
    given = [float(text) for text in sys.argv[1:]] or FULL
    rounds, seconds, many = int(given[0]), given[1], int(given[2])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["API_RATE_PER_MINUTE"] = "100000000"
    django.setup()
    found = _reading(rounds, seconds, many)
    found += outbox.figures(rounds, seconds)
    found += asking.figures(rounds, seconds)
    for figure in found:
        print(json.dumps(figure.as_json()))


if __name__ == "__main__":
    main()
