"""Every benchmark side by side in one run: prints a table, writes var/bench.json.

    python -m bench [--quick] [--only carrying,churn,telephone,…] [--out FILE]

Wants a quiet machine with two cores: the second one calls what runs on the first. The
full run takes about a quarter of an hour; `--quick` shows in three minutes that all of
it works, and its figures are to be believed accordingly.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from bench import api, carrying, churn, machine, money, telephone
from bench.figures import table
from bench.machine import Cores
from bench.peer import python_of_peer
from bench.processes import FOLDER, ROOT, vendors
from calls.media.caller.utterance import speak

PARTS = (
    "carrying",
    "churn",
    "telephone",
    "ledger",
    "statement",
    "api",
    "saving",
    "campaigns",
    "pages",
    "policy",
    "control",
)
QUIET_LOAD = 0.7  # of the minute before; more, and others want the cores as well
PHRASE = "What time is it now?"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short, and less certain")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, by comma")
    parser.add_argument("--no-peer", action="store_true", help="without pipecat")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench.json")
    return parser.parse_args(arguments)


async def measure_calls(options: argparse.Namespace, parts: set[str]) -> list[Any]:
    """Measure what needs calls, from the cores that are not measured."""
    cores = Cores.split()
    everything = os.sched_getaffinity(0)
    peer = None if options.no_peer else python_of_peer(FOLDER)
    utterance = speak(PHRASE)
    found: list[Any] = []
    os.sched_setaffinity(0, cores.others)
    try:
        with vendors(cores) as urls:
            if "carrying" in parts:
                plan = carrying.QUICK if options.quick else carrying.FULL
                rounds = await carrying.measure_rounds(
                    plan, cores, urls, peer, utterance
                )
                found += carrying.figures(plan, rounds)
            if "churn" in parts:
                coming = churn.QUICK if options.quick else churn.FULL
                found += churn.figures(
                    await churn.measure_rounds(coming, cores, urls, peer, utterance)
                )
            if "telephone" in parts:
                found += telephone.figures(
                    await telephone.measure_rounds(
                        cores, urls, utterance, is_quick=options.quick
                    )
                )
    finally:
        os.sched_setaffinity(0, everything)
    return [figure.as_json() for figure in found]


def measure_the_rest(
    options: argparse.Namespace, parts: set[str]
) -> list[dict[str, Any]]:
    """Measure what needs a database or a demo of its own."""
    figures: list[dict[str, Any]] = []
    if "ledger" in parts:
        figures += money.figures(is_quick=options.quick)
    if "statement" in parts:
        books = (20, 20_000) if options.quick else (100, 1_000_000)  # requests, entries
        figures += money.on_database("bench.statement", books, is_durable=False)
    if "campaigns" in parts:
        people = (2_000, 5) if options.quick else (1_000_000, 600)  # leads, seconds
        figures += money.on_database(
            "bench.campaigns", people, is_durable=False, is_vacuumed=True
        )
    if "api" in parts:
        length = api.QUICK if options.quick else api.FULL
        figures += money.on_database("bench.api", length, is_durable=True)
    if "saving" in parts:
        rounds = (10,) if options.quick else (50,)
        figures += money.on_database("bench.saving", rounds, is_durable=True)
    if "pages" in parts:
        # Rounds, requests, portals.
        pages = (1, 60, 40) if options.quick else (5, 2_000, 1_000)
        figures += money.on_database("bench.pages", pages, is_durable=False)
    if "policy" in parts:
        rounds = (100,) if options.quick else (1_000,)
        figures += money.on_database("bench.policy", rounds, is_durable=True)
    if "control" in parts:
        size = (3, 3) if options.quick else (40, 8)  # rounds, calls that are halted
        figures += money.on_database("bench.control", size, is_durable=True)
    return figures


def main() -> None:
    options = parse()
    parts = set(options.only.split(","))
    if unknown := parts - set(PARTS):
        raise SystemExit(f"There is no part {', '.join(unknown)}; {', '.join(PARTS)}.")
    # As Ctrl-C does: nothing that was started is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    described = machine.describe()
    began_s = time.monotonic()
    figures: list[dict[str, Any]] = []
    if parts & {"carrying", "churn", "telephone"}:
        figures += asyncio.run(measure_calls(options, parts))
    figures += measure_the_rest(options, parts)
    described |= {
        "is_quick": options.quick,
        "took_s": round(time.monotonic() - began_s),
        "load_after": [round(load, 2) for load in os.getloadavg()],
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(
        json.dumps({"machine": described, "figures": figures}, indent=1) + "\n"
    )
    print(table(figures))
    if described["load_before"][0] > QUIET_LOAD:
        print("The machine was not quiet: do not believe these figures.")
    print(f"Written to {options.out}")


if __name__ == "__main__":
    main()
