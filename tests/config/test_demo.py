"""`make demo` as a person runs it: it comes up, comes back, and leaves nothing."""

import json
import os
import signal
import socket
import urllib.request

import pytest

from tests.demo_process import KINDS, Demo, descendants_with, wait_for

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@pytest.fixture
def demo(tmp_path):
    demo = Demo(tmp_path)
    yield demo
    if demo.process is not None and demo.process.poll() is None:
        demo.end(signal.SIGTERM)
    assert demo.manage("demo_reset").wait(90) == 0


def answers(port: int) -> bool:
    try:
        url = f"http://127.0.0.1:{port}/healthz"
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_it_comes_up_comes_back_and_goes_without_a_trace(demo):
    demo.start()
    said = json.loads((demo.var_dir / "demo.json").read_text())
    assert said["base_url"] == f"http://localhost:{demo.port}"
    assert len(said["portals"]) == 2
    assert said["organizations"][0]["api_key"] in demo.log.read_text()
    assert set(demo.kinds()) == set(KINDS)

    for kind in KINDS:
        before = demo.kinds()[kind]
        os.kill(before, signal.SIGKILL)
        wait_for(
            lambda: demo.kinds().get(kind, before) != before,  # noqa: B023
            within_s=20,
            log=demo.log,
        )
    wait_for(lambda: answers(demo.port), within_s=20, log=demo.log)

    assert demo.end(signal.SIGINT) == 0
    assert descendants_with(demo.var_dir) == []
    assert not (demo.var_dir / "demo.json").exists()

    # The second start keeps the data. It took 16 s of processor time alone and 34 s
    # beside another process of tests.
    demo.start()
    assert demo.cpu_s() < 60
    assert "Collecting" not in demo.log.read_text()
    again = json.loads((demo.var_dir / "demo.json").read_text())
    assert again["organizations"] == said["organizations"]
    demo.end(signal.SIGKILL)
    wait_for(lambda: not descendants_with(demo.var_dir), within_s=20, log=demo.log)


def test_a_busy_port_is_named_with_the_way_to_choose_another(demo):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", demo.port))
        taken.listen()
        with demo.log.open("wb") as log:
            assert demo.manage("demo", stdout=log).wait(30) == 1
    told = demo.log.read_text()
    assert f"Port {demo.port} cannot be used" in told
    assert "make demo PORT=" in told
    assert "Traceback" not in told
