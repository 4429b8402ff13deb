from __future__ import annotations

import time
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from billing.holds import settle_call
from portal.auth import SESSION_PORTAL, session_mark
from portal.middleware import SESSION_ORGANIZATION
from portal.models import Organization, Portal, Role
from portal.scope import organization_scope
from portal.services.organizations import add_member
from tests.billing.books import CREDIT, credits_of, hold


def sign_in(organization: Organization, role: Role = Role.OWNER) -> Client:
    """A browser at the agency's portal, signed in as a new member."""
    portal = Portal.objects.get(agency=organization.agency_id)
    member = add_member(
        organization=organization,
        email=f"{uuid4().hex}@example.test",
        role=role,
        actor=None,
    )
    browser = Client(headers={"host": f"{portal.slug}.localhost"})
    browser.force_login(member.user, "portal.auth.PortalBackend")
    session = browser.session
    session[SESSION_PORTAL] = session_mark(portal)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time()}  # asked for before money moves
    ]
    session["account_authentication_methods_user"] = str(member.user.pk)
    session[SESSION_ORGANIZATION] = str(organization.pk)
    session.save()
    return browser


@pytest.fixture
def called(bakery: Organization) -> Organization:
    """The bakery after one call of 30 seconds."""
    call_id = uuid4()
    hold(bakery, call_id)
    with organization_scope(bakery):
        settle_call(call_id=call_id, seconds=30)
    return bakery


def test_a_client_reads_its_statement(called: Organization) -> None:
    page = sign_in(called, Role.VIEWER).get(reverse("billing_statement"))
    assert page.status_code == 200
    text = page.content.decode()
    assert "9.00" in text
    assert "-1.00" in text
    assert "Add credits" not in text
    assert "Margin" not in text


def test_an_agency_reads_its_clients_and_its_margin(
    acme: Organization, called: Organization
) -> None:
    text = sign_in(acme).get(reverse("billing_statement")).content.decode()
    assert "Bakery" in text
    assert "Margin" in text
    assert reverse("billing_grant", args=[called.pk]) in text


@pytest.mark.parametrize(
    "query", ["?kind=call", "?kind=nonsense", "?first_day=x", "?before=x", "?before=1"]
)
def test_any_query_answers(called: Organization, query: str) -> None:
    assert sign_in(called).get(reverse("billing_statement") + query).status_code == 200


def test_the_statement_downloads_as_csv(called: Organization) -> None:
    answer = sign_in(called).get(reverse("billing_statement_csv"))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    heading, call, grant = answer.content.decode().split()[:1] + [
        line.split(",") for line in answer.content.decode().splitlines()[1:]
    ]
    assert heading == "time,what,call,seconds,credits_a_minute,credits,balance,note"
    assert call[3:] == ["30", "2.00", "-1.00", "9.00", ""]
    assert grant[3:] == ["", "", "10.00", "10.00", ""]


def test_an_agency_adds_credits_once(acme: Organization, bakery: Organization) -> None:
    browser, url = sign_in(acme), reverse("billing_grant", args=[bakery.pk])
    assert browser.get(url).status_code == 200
    form = {"amount": "2,5", "memo": "Welcome", "key": str(uuid4())}
    for _ in range(2):
        assert browser.post(url, form).status_code == 302
    assert credits_of(bakery) == (12_500_000, 0)
    assert browser.post(url, form | {"amount": "3"}).status_code == 422
    assert credits_of(bakery) == (12_500_000, 0)


@pytest.mark.parametrize("amount", ["", "0", "-1", "abc", "0.0000001", "1e30", "NaN"])
def test_nonsense_is_not_granted(
    acme: Organization, bakery: Organization, amount: str
) -> None:
    url = reverse("billing_grant", args=[bakery.pk])
    answer = sign_in(acme).post(url, {"amount": amount, "key": str(uuid4())})
    assert answer.status_code == 422
    assert credits_of(bakery) == (10 * CREDIT, 0)


def test_only_the_agency_of_a_client_adds_credits(
    acme: Organization, bakery: Organization, globex: Organization
) -> None:
    url = reverse("billing_grant", args=[bakery.pk])
    form = {"amount": "1", "key": str(uuid4())}
    assert sign_in(globex).post(url, form).status_code == 404
    assert sign_in(bakery).post(url, form).status_code == 403
    assert sign_in(acme, Role.OPERATOR).post(url, form).status_code == 403
    assert credits_of(bakery) == (10 * CREDIT, 0)


def test_a_withdrawn_price_is_shown_as_withdrawn(acme: Organization) -> None:
    browser, address = sign_in(acme), reverse("selling_prices")
    terms = {
        "client": "",
        "direction": "outbound",
        "mode": "",
        "model_cost_percent": "100",
    }
    assert browser.post(address, terms | {"per_minute": "3"}).status_code == 302
    gone = browser.post(address, terms | {"per_minute": "", "is_withdrawn": "on"})
    assert gone.status_code == 302
    page = browser.get(address).content.decode()
    assert page.count("withdrawn</td>") == 1
    assert "3.00" in page
