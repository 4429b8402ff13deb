"""How long an answer takes tells nobody whether an address is known."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.urls import reverse

from portal import even_time
from portal.even_time import left_of_step
from tests.world import House, browser


@pytest.mark.parametrize(
    ("took_s", "left_s"),
    [(0.02, 0.48), (0.06, 0.44), (0.5, 0.0), (0.51, 0.49), (1.7, 0.3), (0.0, 0.0)],
)
def test_an_answer_leaves_at_a_whole_step(took_s: float, left_s: float) -> None:
    assert left_of_step(took_s, 0.5) == pytest.approx(left_s)
    assert left_of_step(took_s, 0) == 0


def test_forms_that_know_who_is_known_wait(
    acme: House, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVEN_ANSWERS_S = 3_600.0
    waits: list[float] = []
    monkeypatch.setattr(even_time, "sleep", waits.append)
    for email in ("alice@acme.example", "nobody@acme.example"):
        cache.clear()
        client = browser(acme)
        client.post(reverse("account_reset_password"), {"email": email})
        client.post(reverse("account_request_login_code"), {"email": email})
        client.post(reverse("account_confirm_login_code"), {"action": "resend"})
        client.post(reverse("account_signup"), {"email": email})
    assert len(waits) == 8
    assert all(3_500 < wait < 3_600 for wait in waits)
    client.get(reverse("account_reset_password"))
    client.post(reverse("account_login"), {"login": email, "password": "x"})
    assert len(waits) == 8
