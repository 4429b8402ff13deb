"""Credits given by hand: a reason, who answers for it, and a second person above a limit."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from billing.by_hand import (
    ByHand,
    Outcome,
    approve_request,
    do_by_hand,
    refuse_request,
    set_approval_limit,
    waiting_requests,
)
from billing.errors import IdempotencyConflict, NotEnoughCredits, NotYours
from billing.models import GrantRequest, LedgerEntry
from billing.reconciliation import reconcile
from portal.models import AuditRecord, Organization, OutgoingMail, Role, User
from portal.scope import agency_scope, all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.billing.books import CREDIT, credits_of
from tests.world import CREDITS, House, browser, join

BEFORE = CREDITS * CREDIT


@pytest.fixture
def second(acme: House) -> User:
    return join(acme, "anna", Role.OWNER)


def limit(agency: Organization, credits: int) -> None:
    set_approval_limit(agency=agency, microcredits=credits * CREDIT, actor=None)


def ask(
    client: Organization,
    credits: int,
    actor: User | None,
    *,
    key: str = "k",
    way: GrantRequest.Way = GrantRequest.Way.GIVE,
) -> Outcome:
    with agency_scope(client.agency_id):
        return do_by_hand(
            ByHand(client, credits * CREDIT, "For the fair", key, way=way), actor=actor
        )


def approve(agency: Organization, request: GrantRequest, actor: User) -> Any:
    with agency_scope(agency.pk):
        return approve_request(request_id=request.pk, actor=actor)


def test_below_the_limit_one_person_is_enough(acme: House, bakery: House) -> None:
    limit(acme.organization, 100)
    alice = acme.people["alice"]
    entry = ask(bakery.organization, 100, alice).entry
    assert entry is not None
    assert (entry.actor, entry.details["approver"]) == (alice, alice.email)
    assert entry.memo == "For the fair"
    assert credits_of(bakery.organization) == (BEFORE + 100 * CREDIT, 0)


def test_above_it_another_owner_makes_the_entry(
    acme: House, bakery: House, second: User
) -> None:
    limit(acme.organization, 100)
    alice = acme.people["alice"]
    request = ask(bakery.organization, 101, alice).request
    assert request is not None
    assert credits_of(bakery.organization) == (BEFORE, 0)
    with pytest.raises(NotYours):
        approve(acme.organization, request, alice)
    assert credits_of(bakery.organization) == (BEFORE, 0)
    entry = approve(acme.organization, request, second)
    assert (entry.actor, entry.details["approver"]) == (alice, second.email)
    assert credits_of(bakery.organization) == (BEFORE + 101 * CREDIT, 0)
    assert approve(acme.organization, request, second) is None
    assert credits_of(bakery.organization) == (BEFORE + 101 * CREDIT, 0)
    assert reconcile() == []
    with agency_scope(acme.organization.pk):
        told = OutgoingMail.objects.get(idempotency_key__startswith="grant_request:")
        done = AuditRecord.objects.filter(action__startswith="grant_request.")
        assert {row.action for row in done} == {
            "grant_request.waiting",
            "grant_request.approved",
        }
    assert told.recipient == second.email


def test_a_refused_request_gives_nothing(
    acme: House, bakery: House, second: User
) -> None:
    limit(acme.organization, 1)
    request = ask(bakery.organization, 2, acme.people["alice"]).request
    assert request is not None
    with agency_scope(acme.organization.pk):
        assert refuse_request(request_id=request.pk, actor=second)
        assert not refuse_request(request_id=request.pk, actor=second)
        assert waiting_requests(acme.organization, is_operators=False) == []
    assert approve(acme.organization, request, second) is None
    assert credits_of(bakery.organization) == (BEFORE, 0)


def test_asking_twice_waits_once_and_another_sum_is_refused(
    acme: House, bakery: House
) -> None:
    limit(acme.organization, 1)
    alice = acme.people["alice"]
    first, again = (ask(bakery.organization, 2, alice).request for _ in range(2))
    assert first == again
    with pytest.raises(IdempotencyConflict):
        ask(bakery.organization, 3, alice)


def test_a_pool_that_is_too_small_by_then_moves_nothing(
    acme: House, bakery: House, second: User
) -> None:
    limit(acme.organization, 1)
    way = GrantRequest.Way.MOVE
    request = ask(bakery.organization, 2 * CREDITS, acme.people["alice"], way=way)
    assert request.request is not None
    with pytest.raises(NotEnoughCredits):
        approve(acme.organization, request.request, second)
    with agency_scope(acme.organization.pk):
        waiting = waiting_requests(acme.organization, is_operators=False)
    assert [row.pk for row in waiting] == [request.request.pk]
    assert credits_of(acme.organization) == (BEFORE, 0)


def test_a_client_sees_nothing_of_what_waits(acme: House, bakery: House) -> None:
    limit(acme.organization, 1)
    ask(bakery.organization, 2, acme.people["alice"])
    with organization_scope(bakery.organization):
        assert not GrantRequest.objects.exists()


def test_the_pages_ask_and_decide(acme: House, bakery: House, second: User) -> None:
    limit(acme.organization, 10)
    alice, anna = browser(acme, acme.people["alice"]), browser(acme, second)
    page = reverse("billing_grant", args=[bakery.organization.pk])
    assert "More than 10.00 credits wait" in alice.get(page).content.decode()
    form = {
        "amount": "250",
        "memo": "",
        "key": "7c0b38f2-0a9c-4a4e-a0c3-6a0d5ad2a1a1",
    }
    assert alice.post(page, form).status_code == 422  # no reason
    answer = alice.post(page, form | {"memo": "Fair"}, follow=True)
    assert "250.00 credits for Bakery wait" in answer.content.decode()
    assert credits_of(bakery.organization) == (BEFORE, 0)
    with all_organizations("test"):
        request = GrantRequest.objects.get()
    decide = reverse("selling_grant_decide", args=[request.pk, "approve"])
    mine = alice.get(reverse("selling_grants")).content.decode()
    assert decide not in mine
    alice.post(decide)
    assert credits_of(bakery.organization) == (BEFORE, 0)
    assert decide in anna.get(reverse("selling_grants")).content.decode()
    anna.post(decide)
    assert credits_of(bakery.organization) == (BEFORE + 250 * CREDIT, 0)
    given = anna.get(reverse("selling_grants")).content.decode()
    assert "Fair" in given
    assert f"asked by {acme.people['alice']}" in given


def test_the_limit_is_set_and_taken_away(acme: House) -> None:
    alice = browser(acme, acme.people["alice"])
    page = reverse("selling_grants")
    assert alice.post(page, {"limit": "nonsense"}).status_code == 422
    assert alice.post(page, {"limit": "500"}).status_code == 302
    assert 'value="500"' in alice.get(page).content.decode()
    assert alice.post(page, {"limit": ""}).status_code == 302
    assert 'value="500"' not in alice.get(page).content.decode()


def test_over_the_api_it_waits_for_an_owner(acme: House, bakery: House) -> None:
    limit(acme.organization, 10)
    path = f"/organizations/{bakery.organization.pk}/credits"
    answer = ApiClient(acme).post(path, {"credits": "11", "memo": "Fair"})
    assert answer.status_code == 202
    assert answer.json()["waits_for_approval"] is True
    assert credits_of(bakery.organization) == (BEFORE, 0)
    with all_organizations("test"):
        request = GrantRequest.objects.get()
    assert request.asked_by is None
    assert request.asked_with.startswith("Test fl_live_")
    approve(acme.organization, request, acme.people["alice"])
    assert credits_of(bakery.organization) == (BEFORE + 11 * CREDIT, 0)
    answer = ApiClient(acme).post(path, {"credits": "9", "memo": "Small"})
    assert (answer.status_code, answer.json()["waits_for_approval"]) == (201, False)
    with all_organizations("test"):
        entry = LedgerEntry.objects.get(memo="Small")
        record = AuditRecord.objects.get(target_id=entry.pk)
    assert entry.details["approver"] == record.api_key
    assert record.api_key.startswith("Test fl_live_")
