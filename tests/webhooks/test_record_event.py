"""An event is written with the fact it tells of, for those who want it."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.db import transaction

from portal.scope import organization_scope
from portal.webhooks import record_event
from tests.fakes.receiver import Receiver
from tests.webhooks.conftest import deliveries, make_endpoint
from tests.world import House


def test_the_body_is_the_documented_envelope(bakery: House, receiver: Receiver) -> None:
    make_endpoint(bakery, receiver)
    call_id = uuid4()
    record_event(
        organization=bakery.organization,
        kind="status-update",
        data={"call": {"id": call_id}, "metadata": {"name": "Zoë"}},
        call_id=call_id,
    )
    (delivery,) = deliveries(bakery)
    message = json.loads(delivery.event.body)["message"]
    assert message.pop("timestamp").endswith("+00:00")
    assert message == {
        "type": "status-update",
        "call": {"id": str(call_id)},
        "metadata": {"name": "Zoë"},
    }
    assert (delivery.call_id, delivery.status) == (call_id, "pending")


def test_it_goes_with_the_callers_transaction(
    bakery: House, receiver: Receiver
) -> None:
    make_endpoint(bakery, receiver)
    with transaction.atomic():
        record_event(organization=bakery.organization, kind="credits.low", data={})
        transaction.set_rollback(True)
    assert deliveries(bakery) == []


def test_nobody_who_wants_it_means_nothing_written(
    bakery: House, receiver: Receiver
) -> None:
    make_endpoint(bakery, receiver, events=["lead.*", "recording.ready"])
    event = record_event(organization=bakery.organization, kind="credits.low", data={})
    assert event is None
    assert deliveries(bakery) == []


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (["lead.*"], "lead.completed"),
        (["lead.completed"], "lead.completed"),
        (["*"], "recording.ready"),
        (["status-update", "credits.*"], "credits.exhausted"),
    ],
)
def test_a_family_stands_for_its_kinds(
    bakery: House, receiver: Receiver, wanted: list[str], kind: str
) -> None:
    make_endpoint(bakery, receiver, events=wanted)
    record_event(organization=bakery.organization, kind=kind, data={})
    assert [one.kind for one in deliveries(bakery)] == [kind]


def test_an_assistants_own_endpoint_is_the_only_one_told(
    bakery: House, receiver: Receiver
) -> None:
    mine = str(bakery.assistant.pk)
    make_endpoint(bakery, receiver)
    own = make_endpoint(
        bakery, receiver, assistant_id=bakery.assistant.pk, events=["status-update"]
    )
    for kind in ("status-update", "end-of-call-report"):
        record_event(
            organization=bakery.organization,
            kind=kind,
            data={"assistant": {"id": mine}},
        )
    record_event(organization=bakery.organization, kind="status-update", data={})
    told = [(one.kind, one.endpoint_id == own.pk) for one in deliveries(bakery)]
    assert told == [
        ("status-update", True),
        ("end-of-call-report", False),  # its own list leaves this to the organization's
        ("status-update", False),
    ]


def test_another_organization_is_not_told(
    bakery: House, garage: House, receiver: Receiver
) -> None:
    make_endpoint(garage, receiver)
    record_event(organization=bakery.organization, kind="credits.low", data={})
    assert deliveries(garage) == []


def test_a_word_that_is_no_kind_is_a_bug(bakery: House) -> None:
    with (
        organization_scope(bakery.organization),
        pytest.raises(ValueError, match="kind"),
    ):
        record_event(organization=bakery.organization, kind="call.ended", data={})
