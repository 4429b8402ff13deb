"""Staff gives agencies credits and sets platform prices: asked again who it is, once, recorded."""

from __future__ import annotations

from uuid import uuid4

import pytest

from billing.ledger import wallet_balance
from billing.models import LedgerEntry, PlatformPrice
from portal.models import AuditRecord, User, Visit
from portal.scope import all_organizations, organization_scope
from tests.config.test_operator_console import address, visitor
from tests.portal.test_sudo import is_question
from tests.world import CREDITS, PASSWORD, House

PRICE = {"per_minute": "0.07", "model_cost_percent": "100"}
WHY = {"reason": "They asked for help", "minutes": "30"}


@pytest.fixture
def grant(acme: House) -> dict[str, str]:
    return {"amount": "250", "memo": "Invoice 7", "key": str(uuid4())}


def test_money_and_looking_around_ask_again(
    acme: House, olga: User, grant: dict[str, str]
):
    staff = visitor(olga)
    for name, form in (
        ("admin:grant_to_agency", grant),
        ("admin:visit_organization", WHY),
    ):
        page = address(name, acme.organization.pk)
        assert staff.get(page).status_code == 200
        assert is_question(staff.post(page, form))
    assert is_question(staff.post(address("admin:price_new"), PRICE))
    assert not PlatformPrice.objects.exists()
    with all_organizations("the test looks"):
        assert LedgerEntry.objects.filter(actor=olga).count() == 0
        assert not Visit.objects.exists()


def test_credits_are_given_once_and_written_down(
    acme: House, olga: User, grant: dict[str, str]
):
    staff = visitor(olga)
    page = address("admin:grant_to_agency", acme.organization.pk)
    asked = staff.post(page, grant | {"sudo": PASSWORD})
    assert asked.status_code == 302
    staff.post(page, grant)
    with organization_scope(acme.organization):
        balance = wallet_balance(acme.organization).available
        record = AuditRecord.objects.get(action="credits.granted")
    assert balance == (CREDITS + 250) * 1_000_000
    assert (record.actor, record.changes["reason"]) == (olga, "Invoice 7")


@pytest.mark.parametrize("amount", ["", "0", "-5", "many", "2e9", "99999999999"])
def test_nonsense_gives_nothing(
    acme: House, olga: User, grant: dict[str, str], amount: str
):
    page = address("admin:grant_to_agency", acme.organization.pk)
    form = grant | {"amount": amount, "sudo": PASSWORD}
    answer = visitor(olga).post(page, form)
    assert answer.status_code == 422
    assert b'aria-invalid="true"' in answer.content
    with organization_scope(acme.organization):
        assert wallet_balance(acme.organization).available == CREDITS * 1_000_000


def test_a_client_gets_its_credits_from_its_agency(
    bakery: House, olga: User, grant: dict[str, str]
):
    page = address("admin:grant_to_agency", bakery.organization.pk)
    answer = visitor(olga).post(page, grant | {"sudo": PASSWORD})
    assert answer.status_code == 404


def test_a_price_is_set_for_one_agency_or_all(acme: House, globex: House, olga: User):
    staff = visitor(olga)
    page = address("admin:price_new")
    assert staff.post(page, PRICE | {"sudo": PASSWORD}).status_code == 302
    one = PRICE | {"client": str(acme.organization.pk), "per_minute": "0.05"}
    assert staff.post(page, one).status_code == 302
    prices = PlatformPrice.objects.order_by("created_at")
    assert [(price.agency, price.microcredits_per_minute) for price in prices] == [
        (None, 70_000),
        (acme.organization, 50_000),
    ]
    wrong = staff.post(page, PRICE | {"per_minute": "-1"})
    assert wrong.status_code == 422
    assert prices.count() == 2
    with organization_scope(acme.organization):
        assert AuditRecord.objects.get(action="platform_price.set").actor == olga
