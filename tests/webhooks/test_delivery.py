"""At least once: tried again, in order, given up late, and never in a receiver's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from portal.models import OutgoingMail, WebhookAttempt, WebhookEndpoint
from portal.scope import all_organizations, organization_scope
from portal.webhooks import record_event
from portal.webhooks.backoff import GIVE_UP_AFTER, WAITS_S, pause_after, wait_after
from portal.webhooks.claiming import claim_due
from portal.webhooks.delivering import deliver_due
from portal.webhooks.endpoints import enable_endpoint
from portal.webhooks.keeping import forget_old_events
from tests.fakes.receiver import Receiver, Reply
from tests.webhooks.conftest import deliveries, fresh, make_endpoint
from tests.world import House

Later = Callable[..., None]


def tell(house: House, call_id=None, **data) -> None:
    record_event(
        organization=house.organization,
        kind="status-update",
        data=data,
        call_id=call_id,
    )


def mails(house: House) -> list[str]:
    """Subjects of what was sent to dora; bob is a viewer."""
    with organization_scope(house.organization):
        sent = OutgoingMail.objects.order_by("created_at")
        assert {mail.recipient for mail in sent} <= {house.people["dora"].email}
        return [mail.subject for mail in sent]


def test_a_good_answer_ends_it(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.replies = [Reply(204, b"")]
    tell(bakery)
    assert deliver_due() == 1
    assert deliver_due() == 0
    (delivery,) = deliveries(bakery)
    assert (delivery.status, delivery.status_code) == ("delivered", 204)
    assert delivery.finished_at is not None
    assert fresh(endpoint).last_success_at is not None


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"oh no"),
        Reply(302, headers={"Location": "/x"}),
        Reply(404),
        Reply(429),
    ],
    ids=lambda reply: str(reply.status),
)
def test_any_other_answer_is_tried_again(
    bakery: House,
    endpoint: WebhookEndpoint,
    receiver: Receiver,
    later: Later,
    reply: Reply,
) -> None:
    receiver.replies = [reply, Reply(200)]
    tell(bakery)
    deliver_due()
    (delivery,) = deliveries(bakery)
    assert (delivery.status, delivery.error) == ("pending", f"HTTP {reply.status}")
    later(seconds=3)
    assert len(receiver.received) == 1  # not yet
    later(seconds=5)
    (delivery,) = deliveries(bakery)
    assert (delivery.status, delivery.attempts) == ("delivered", 2)
    ids = {got.headers["webhook-id"] for got in receiver.received}
    assert len(ids) == 1  # a receiver can tell that it is the same


def test_every_try_is_in_the_log(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    receiver.replies = [Reply(500, b"oh \0no", {"X-Trace": "t1"}), Reply(200, b"ok")]
    tell(bakery)
    deliver_due()
    later(seconds=10)
    with organization_scope(bakery.organization):
        first, second = WebhookAttempt.objects.all()
    assert (first.number, first.status_code, first.response_body) == (1, 500, "oh no")
    assert first.response_headers["x-trace"] == "t1"
    assert first.request_headers["X-Webhook-Event"] == "status-update"
    assert (second.number, second.status_code, second.error) == (2, 200, "")


@pytest.mark.slow
def test_after_three_days_it_is_given_up(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    receiver.replies = [Reply(500)]
    tell(bakery)
    deliver_due()
    for _ in range(80):
        later(hours=1)
    (delivery,) = deliveries(bakery)
    assert delivery.status == "failed"
    assert delivery.finished_at - delivery.created_at <= GIVE_UP_AFTER
    assert delivery.attempts > len(WAITS_S)


def test_the_waits_grow_and_are_spread() -> None:
    waits = [[wait_after(n).total_seconds() for _ in range(50)] for n in range(1, 12)]
    assert all(max(now) < min(then) for now, then in pairwise(waits[:6]))
    assert all(len(set(some)) > 40 for some in waits)
    assert sum(WAITS_S) < GIVE_UP_AFTER.total_seconds()


def test_a_calls_events_keep_their_order(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    mine, other = uuid4(), uuid4()
    receiver.replies = [Reply(500), Reply(200)]
    for n in range(3):
        tell(bakery, mine, n=n)
    deliver_due()
    assert len(receiver.received) == 1  # the first failed: the others wait for it
    tell(bakery, other, n=9)
    deliver_due()
    assert b'"n":9' in receiver.received[1].body  # another call does not
    later(seconds=10)
    assert [got.body[-4:-2] for got in receiver.received[2:]] == [b":0", b":1", b":2"]


@pytest.mark.slow
def test_an_endpoint_that_hangs_keeps_no_other_waiting(
    bakery: House, garage: House, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.webhooks.sending.TIMEOUT_S", 0.5)
    make_endpoint(bakery, receiver)
    receiver.replies = [Reply(hangs=True), Reply(200)]
    tell(bakery)
    tell(bakery)
    make_endpoint(garage, receiver)
    tell(garage)
    assert deliver_due() == 3
    by_status = sorted(one.status for one in deliveries(bakery) + deliveries(garage))
    assert by_status == ["delivered", "delivered", "pending"]


def test_what_a_dead_worker_took_is_sent_again(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    tell(bakery)
    with all_organizations("as the worker"):
        assert len(claim_due(10)) == 1  # and dies here
        assert claim_due(10) == []
    deliver_due()
    assert receiver.received == []
    later(seconds=61)
    (delivery,) = deliveries(bakery)
    assert delivery.status == "delivered"


def test_an_address_that_is_private_now_is_not_reached(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, settings
) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    tell(bakery)
    deliver_due()
    (delivery,) = deliveries(bakery)
    assert (delivery.status, receiver.received) == ("pending", [])
    assert "https" in delivery.error


def test_410_switches_the_endpoint_off_at_once(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.replies = [Reply(410)]
    call_id = uuid4()
    tell(bakery, call_id)
    tell(bakery, call_id)
    deliver_due()
    changed = fresh(endpoint)
    assert (changed.status, changed.disabled_reason) == ("disabled", "gone")
    assert [one.status for one in deliveries(bakery)] == ["failed", "failed"]
    assert mails(bakery) == ["A webhook of Bakery was switched off"]
    tell(bakery)
    assert len(deliveries(bakery)) == 2  # nothing more is written for it
    assert len(receiver.received) == 1


@pytest.mark.slow
def test_the_breaker_opens_probes_and_closes(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    receiver.replies = [Reply(503)]
    for _ in range(7):
        tell(bakery)
    deliver_due()
    tried = len(receiver.received)
    assert fresh(endpoint).paused_until is not None
    assert mails(bakery) == ["A webhook of Bakery fails"]
    with organization_scope(bakery.organization):
        mail = OutgoingMail.objects.get()
    for text in (mail.text, mail.html):
        assert "It answered with status 503." in text
        assert "Failed tries in a row" in text
    assert "Failed tries in a row: 5" in mail.text
    tell(bakery)
    deliver_due()
    assert len(receiver.received) == tried  # nothing goes while it is open
    later(minutes=5)
    assert len(receiver.received) == tried + 1  # one probe
    receiver.replies = [Reply(200)]
    later(hours=1)
    later(seconds=1)
    assert fresh(endpoint).failures_in_row == 0
    assert len(mails(bakery)) == 1  # once for all of it
    assert {one.status for one in deliveries(bakery)} == {"delivered"}


def test_pauses_double_up_to_an_hour() -> None:
    assert pause_after(4) is None
    pauses = [pause_after(n) for n in range(5, 40)]
    assert pauses[:3] == [timedelta(seconds=s) for s in (30, 60, 120)]
    assert pauses[-1] == timedelta(hours=1)


@pytest.mark.slow
def test_an_endpoint_that_fails_for_days_is_switched_off(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    receiver.replies = [Reply(500)]
    for _ in range(80):
        tell(bakery)
        later(hours=1)
    changed = fresh(endpoint)
    assert (changed.status, changed.disabled_reason) == ("disabled", "failing")
    assert {one.status for one in deliveries(bakery)} == {"failed"}
    with organization_scope(bakery.organization):
        enable_endpoint(endpoint=changed, actor=None)
    receiver.replies = [Reply(200)]
    tell(bakery)
    deliver_due()
    assert deliveries(bakery)[-1].status == "delivered"


def test_old_events_are_forgotten(
    bakery: House, endpoint: WebhookEndpoint, receiver: Receiver, later: Later
) -> None:
    tell(bakery)
    later(days=31)
    tell(bakery)
    assert forget_old_events() == 1
    assert len(deliveries(bakery)) == 1
