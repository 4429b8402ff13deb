"""What breaks behind an edge is told and ends there; what must end everything passes."""

from __future__ import annotations

import asyncio
import logging

import pytest

from common.edges import contained

logger = logging.getLogger("tests.edges")


def test_a_fault_is_logged_with_its_trace_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with contained(logger, "broke", call_id="7") as edge:
        raise KeyError("x")
    (record,) = caplog.records
    assert (record.message, record.levelno) == ("broke", logging.ERROR)
    assert record.__dict__["call_id"] == "7"
    assert record.exc_info
    assert record.exc_info[1] is edge.error
    assert isinstance(edge.error, KeyError)


def test_nothing_is_told_where_nothing_broke(caplog: pytest.LogCaptureFixture) -> None:
    with contained(logger, "broke") as edge:
        pass
    assert edge.error is None
    assert caplog.records == []


def test_who_decides_how_often_may_keep_it_quiet(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with contained(logger, "broke", may_log=lambda: False) as edge:
        raise ValueError
    assert isinstance(edge.error, ValueError)
    assert caplog.records == []


@pytest.mark.parametrize("end", [asyncio.CancelledError, SystemExit, KeyboardInterrupt])
def test_what_ends_everything_passes(end: type[BaseException]) -> None:
    with pytest.raises(end), contained(logger, "broke"):
        raise end
