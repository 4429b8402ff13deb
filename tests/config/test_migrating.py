"""A database that is being made says how far it is."""

from __future__ import annotations

from config.migrating import Progress


def test_a_step_is_named_every_few_seconds() -> None:
    said: list[str] = []
    now_s = 0.0
    progress = Progress(said.append, clock=lambda: now_s)
    progress.write("Operations to perform:\n")
    for number in range(1, 13):
        now_s = float(number)
        progress.write(f"  Applying calls.{number:04d}_step...")
        progress.write(" OK\n")
    assert said == ["  step 5, calls.0005_step …", "  step 10, calls.0010_step …"]
