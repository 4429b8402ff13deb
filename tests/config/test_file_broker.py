"""The embedded broker loses no message, however its reader and writer meet."""

import threading
import time
from queue import Empty

import pytest
from kombu.connection import Connection

from config import celery, embedded

MESSAGES = 400


def connect(folder) -> Connection:
    options = embedded.broker_options(folder)
    return Connection("filesystem://", transport_options=options)


def test_the_app_brings_its_own_transport(tmp_path):
    assert celery.app is not None
    assert connect(tmp_path).transport.__class__.__module__ == "config.file_broker"


@pytest.mark.slow
def test_a_reader_never_finds_half_a_message(tmp_path):
    def write() -> None:
        with connect(tmp_path) as connection:
            queue = connection.SimpleQueue("x")
            for number in range(MESSAGES):
                queue.put({"number": number, "text": "x" * 2000})

    writer = threading.Thread(target=write)
    got: list[int] = []
    with connect(tmp_path) as connection:
        queue = connection.SimpleQueue("x")
        writer.start()
        deadline = time.monotonic() + 20
        while len(got) < MESSAGES and time.monotonic() < deadline:
            try:
                message = queue.get(timeout=0.001)
            except Empty:
                continue
            message.ack()
            got.append(message.payload["number"])
    writer.join()
    assert sorted(got) == list(range(MESSAGES))
    assert list((tmp_path / "broker" / "messages").iterdir()) == []
