"""The whole bench, briefly: every part runs and its file has the shape of the contract.

No figure is judged here; a machine that runs tests is not a quiet one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.servers import program

ROOT = Path(__file__).resolve().parents[2]
KEYS = {
    *("name", "unit", "ours", "peer", "peer_name", "limit", "limit_name"),
    *("ratio_to_peer", "ratio_to_limit", "goal", "met", "runs"),
}


@pytest.mark.bench
@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="the bench needs two cores"
)
def test_a_quick_bench_writes_every_figure(tmp_path):
    program("flite", "flite")
    out = tmp_path / "bench.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--no-peer", "--out", str(out)],
        cwd=ROOT,
        # As an installation runs: the tests' channel layer reaches no other process.
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=2_400,  # every part, on whatever machine runs the tests
    )
    assert done.returncode == 0, done.stdout[-4_000:]
    written = json.loads(out.read_text())
    assert written["machine"]["cores"] >= 2
    assert all(set(figure) == KEYS for figure in written["figures"])
    named = {figure["name"]: figure for figure in written["figures"]}
    for start in (
        "CPU of a web call",
        "resident memory",
        "turn latency less",
        "turn latency, part",
        "steady calls",
        "ledger",
    ):
        found = [figure for name, figure in named.items() if name.startswith(start)]
        assert found
        assert all(figure["ours"] is not None for figure in found)
    for name in named:
        assert name in done.stdout
