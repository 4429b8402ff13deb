"""A call over the API, and its report, tell whom the caller was to be handed on to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.services import analysing
from calls.services.finish import Outcome, finish_call
from calls.services.running import CallOrder
from calls.services.transfers import (
    Failure,
    TransferNotPossible,
    note_transfer,
    plan_transfer,
)
from calls.session.events import EndReason
from portal.models import WebhookEvent
from portal.scope import all_organizations, organization_scope
from portal.webhooks.endpoints import create_endpoint
from tests.api.conftest import ApiClient
from tests.calls.node.held import order_for
from tests.world import House

pytestmark = pytest.mark.django_db(transaction=True)

NURSE = "+31205551234"


@pytest.fixture
def order(bakery: House, node: VoiceNode) -> CallOrder:
    return replace(order_for(bakery, node), carrier="simulator")


def told(api: ApiClient, order: CallOrder) -> list[dict[str, Any]]:
    answer = api.get(f"/calls/{order.call_id}")
    assert answer.status_code == 200, answer.content
    tries: list[dict[str, Any]] = answer.json()["transfers"]
    return tries


def hand_on(order: CallOrder, *stages: dict[str, str]) -> None:
    plan = plan_transfer(
        order=order, destination=NURSE, brief="Anna has a rash", asked_by="api"
    )
    for stage in stages:
        note_transfer(order=order, transfer_id=plan.id, **stage)


def test_each_try_says_how_it_went_and_when(
    bakery_api: ApiClient, order: CallOrder
) -> None:
    assert told(bakery_api, order) == []
    hand_on(
        order,
        {"status": "ringing", "method": "bridge"},
        {"status": "failed", "reason": "busy", "detail": "486 Busy Here"},
    )
    hand_on(order, {"status": "done", "method": "refer"})
    with pytest.raises(TransferNotPossible):
        plan_transfer(order=order, destination="nobody", brief="", asked_by="assistant")
    busy, taken, unreadable = told(bakery_api, order)
    assert {name: busy[name] for name in ("status", "reason", "detail", "method")} == {
        "status": "failed",
        "reason": "busy",
        "detail": "486 Busy Here",
        "method": "bridge",
    }
    assert (busy["destination"], busy["asked_by"], busy["kind"]) == (
        NURSE,
        "api",
        "blind",
    )
    assert busy["asked_at"] <= busy["ended_at"]
    assert (taken["status"], taken["method"], taken["reason"]) == (
        "done",
        "refer",
        None,
    )
    assert (unreadable["reason"], unreadable["asked_by"]) == (
        Failure.BAD_DESTINATION,
        "assistant",
    )
    assert "rash" not in json.dumps([busy, taken, unreadable])


def test_the_end_of_a_call_ends_its_tries_and_the_report_tells_them(
    bakery: House, bakery_api: ApiClient, order: CallOrder
) -> None:
    with organization_scope(bakery.organization):
        create_endpoint(
            organization=bakery.organization,
            url="https://example.com/hook",
            events=["end-of-call-report"],
            actor=None,
        )
    with all_organizations("test"):
        Call.objects.filter(pk=order.call_id).update(started_at=timezone.now())
    hand_on(order, {"status": "ringing", "method": "bridge"})
    hand_on(order, {"status": "briefing"}, {"status": "bridged", "method": "bridge"})
    finish_call(
        call_id=order.call_id,
        scope=order.scope,
        outcome=Outcome(EndReason.USER_HANGUP, duration_ms=5_000),
    )
    lost, bridged = told(bakery_api, order)
    assert (lost["status"], lost["reason"]) == ("failed", "failed")
    assert (bridged["status"], bridged["reason"]) == ("bridged", None)
    assert bridged["answered_at"] <= bridged["bridged_at"] <= bridged["ended_at"]
    assert lost["ended_at"] == bridged["ended_at"]

    analysing.analyse(call_id=order.call_id)
    with organization_scope(bakery.organization):
        event = WebhookEvent.objects.get(kind="end-of-call-report")
    report = json.loads(event.body)["message"]["transfers"]
    assert [one["id"] for one in report] == [lost["id"], bridged["id"]]
    assert [(one["status"], one["reason"]) for one in report] == [
        ("failed", "failed"),
        ("bridged", None),
    ]
    assert "rash" not in event.body
