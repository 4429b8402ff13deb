"""Usage by day, assistant, number, campaign and client; and the billing API."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.holds import hold_for_call, settle_call
from billing.tariff import CallPrice, Tariff
from calls.models import Call
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.world import House, browser

CREDIT = 1_000_000


def talked(house: House, seconds: int = 60) -> None:
    call_id = uuid4()
    with organization_scope(house.organization):
        hold_for_call(
            call_id=call_id,
            organization=house.organization,
            seconds=60,
            price=CallPrice(Tariff(3 * CREDIT), Tariff(CREDIT)),
            expires_at=timezone.now(),
        )
        cost = settle_call(call_id=call_id, seconds=seconds)
        Call.objects.create(
            pk=call_id,
            organization=house.organization,
            assistant=house.assistant,
            number=house.number,
            direction="web",
            carrier="webrtc",
            status="ended",
            billed_seconds=seconds,
            cost_microcredits=cost.cost_microcredits,
            pool_cost_microcredits=cost.pool_cost_microcredits,
            settled_at=timezone.now(),
        )


@pytest.mark.parametrize("by", ["day", "assistant", "number", "campaign", "nonsense"])
def test_a_client_sees_its_use_and_no_margin(bakery: House, by: str) -> None:
    talked(bakery)
    page = browser(bakery, bakery.people["dora"]).get(reverse("usage") + f"?by={by}")
    text = page.content.decode()
    assert page.status_code == 200
    assert "3.00" in text
    assert "Margin" not in text


def test_an_agency_sees_what_each_client_earned_it(acme: House, bakery: House) -> None:
    talked(bakery)
    talked(acme, 30)
    alice = browser(acme, acme.people["alice"])
    text = alice.get(reverse("usage") + "?by=client&format=csv").content.decode()
    assert text.splitlines() == [
        "Client,calls,seconds,credits,margin",
        "Bakery,1,60,1.00,2.00",
        f"{acme.organization.name},1,30,0.50,0.00",
    ]


@pytest.mark.parametrize("month", ["", "2020-01", "x", "9999-99"])
def test_any_month_answers(bakery: House, month: str) -> None:
    dora = browser(bakery, bakery.people["dora"])
    assert dora.get(reverse("usage") + f"?month={month}").status_code == 200


def ask(house: House, path: str) -> Any:
    with organization_scope(house.organization):
        _row, key = issue_key(
            organization=house.organization, name=uuid4().hex, actor=None
        )
    return browser(house).get(
        f"/api/v1/billing/{path}", headers={"Authorization": f"Bearer {key}"}
    )


def test_the_api_tells_balance_ledger_and_month(acme: House, bakery: House) -> None:
    talked(bakery)
    assert ask(bakery, "balance").json()["held_credits"] == "0.00"
    ledger = ask(bakery, "ledger?limit=1").json()
    line = ledger["lines"][0]
    assert (line["kind"], line["credits"], line["seconds"]) == ("settle", "-3.00", 60)
    assert line["margin_credits"] is None
    rest = ask(bakery, f"ledger?before={ledger['next_before']}").json()
    assert [one["kind"] for one in rest["lines"]] == ["grant"]
    month = ask(bakery, "statement").json()
    assert month["out_credits"] == "3.00"
    assert ask(bakery, "packages").json() == {"packages": []}
    assert ask(acme, "ledger?limit=1").json()["lines"][0]["margin_credits"] == "2.00"


@pytest.mark.parametrize(
    "path", ["ledger?limit=0", "ledger?kind=x", "statement?month=2026-13", "ledger?a=1"]
)
def test_a_bad_question_is_refused_by_name(bakery: House, path: str) -> None:
    answer = ask(bakery, path)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"]
