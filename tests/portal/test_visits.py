"""Working inside a client: with a reason, for a while, reading only, in plain sight."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.middleware import SESSION_ORGANIZATION, SESSION_VISIT
from portal.models import AuditRecord, Membership, User, Visit
from portal.scope import all_organizations, organization_scope
from portal.services.visits import start_visit, ticket_for
from tests.world import House, browser

WHY = {"reason": "They asked for help", "minutes": "30"}


def go_in(acme: House, bakery: House, **more: str) -> Client:
    alice = browser(acme, acme.people["alice"])
    address = reverse("visit_start", args=[bakery.organization.pk])
    assert alice.post(address, WHY | more).status_code == 302
    return alice


def test_an_agency_looks_around_and_changes_nothing(acme: House, bakery: House):
    alice = go_in(acme, bakery)
    html = alice.get("/").content.decode()
    assert "You are in Bakery" in html
    assert "reading only" in html
    page = reverse("assistant_detail", args=[bakery.assistant.pk])
    assert alice.get(page).status_code == 200
    off = reverse("assistant_deactivate", args=[bakery.assistant.pk])
    assert alice.post(off).status_code == 403
    assert (
        alice.post(reverse("call_start", args=[bakery.assistant.pk])).status_code == 403
    )
    with organization_scope(bakery.organization):
        bakery.assistant.refresh_from_db()
    assert bakery.assistant.is_active


def test_a_visit_for_changes_is_written_down_as_one(acme: House, bakery: House):
    alice = go_in(acme, bakery, may_write="on")
    off = reverse("assistant_deactivate", args=[bakery.assistant.pk])
    assert alice.post(off).status_code == 302
    with organization_scope(bakery.organization):
        record = AuditRecord.objects.get(
            action__startswith="assistant.", visit__isnull=False
        )
        assert record.actor == acme.people["alice"]
        assert record.visit.reason == WHY["reason"]
        assert record.address == "127.0.0.1"
    dora = browser(bakery, bakery.people["dora"])
    assert WHY["reason"] in dora.get(reverse("visit_list")).content.decode()
    assert "visiting, Agency" in dora.get(reverse("audit_list")).content.decode()


def test_a_visitor_never_touches_people_or_keys(acme: House, bakery: House):
    alice = go_in(acme, bakery, may_write="on")
    assert alice.get(reverse("api_key_list")).status_code == 403
    invite = {"email": "x@y.example", "role": "owner"}
    assert alice.post(reverse("member_add"), invite).status_code == 403


def test_without_a_visit_a_session_that_names_a_client_sees_nothing_of_it(
    acme: House, bakery: House
):
    alice = browser(acme, acme.people["alice"])
    session = alice.session
    session[SESSION_ORGANIZATION] = str(bakery.organization.pk)
    session.save()
    assert "Bakery" not in alice.get("/").content.decode()
    address = reverse("switch_organization", args=[bakery.organization.pk])
    assert alice.get(address).status_code == 404


def test_a_visit_ends_by_itself_and_by_hand(acme: House, bakery: House):
    alice = go_in(acme, bakery)
    with all_organizations("the test lets time pass"):
        Visit.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert "You are in" not in alice.get("/").content.decode()
    alice = go_in(acme, bakery)
    alice.post(reverse("visit_end"))
    assert "You are in" not in alice.get("/").content.decode()
    with all_organizations("the test looks"):
        assert Visit.objects.latest("started_at").ended_at is not None


@pytest.mark.parametrize(
    "form",
    [
        {"reason": "", "minutes": "30"},
        {"reason": "x", "minutes": "30"},
        {"reason": "Long enough", "minutes": "999999"},
    ],
)
def test_a_visit_needs_a_reason_and_an_end(acme: House, bakery: House, form):
    alice = browser(acme, acme.people["alice"])
    address = reverse("visit_start", args=[bakery.organization.pk])
    assert alice.post(address, form).status_code == 422
    with all_organizations("the test looks"):
        assert not Visit.objects.exists()


def test_another_agencys_client_cannot_be_visited(acme: House, garage: House):
    alice = browser(acme, acme.people["alice"])
    address = reverse("visit_start", args=[garage.organization.pk])
    assert alice.post(address, WHY).status_code == 404


def test_somebody_elses_visit_opens_nothing(acme: House, bakery: House, garage: House):
    go_in(acme, bakery)
    with all_organizations("the test looks"):
        visit = Visit.objects.get()
    for person, house in (
        (garage.people["lena"], garage),
        (bakery.people["bob"], bakery),
    ):
        client = browser(house, person)
        session = client.session
        session[SESSION_VISIT] = str(visit.pk)
        session[SESSION_ORGANIZATION] = str(bakery.organization.pk)
        session.save()
        assert "You are in" not in client.get("/").content.decode()


def test_who_left_the_agency_left_its_clients(acme: House, bakery: House):
    alice = go_in(acme, bakery)
    Membership.objects.filter(user=acme.people["alice"]).delete()
    assert alice.get("/").status_code == 404


def enter(house: House, olga: User, **more: bool) -> tuple[Client, str]:
    visit = start_visit(
        organization=house.organization,
        visitor=olga,
        kind=Visit.Kind.STAFF,
        reason="Ticket 4711",
        minutes=30,
        may_write=more.get("may_write", False),
    )
    ticket = ticket_for(visit)
    client = Client(SERVER_NAME=house.host)
    client.get(reverse("visit_enter", args=[ticket]))
    return client, ticket


def test_staff_come_in_with_a_ticket_that_works_once(bakery: House, olga: User):
    client, ticket = enter(bakery, olga)
    html = client.get("/").content.decode()
    assert "You are in Bakery" in html
    assert "Ticket 4711" in html
    again = Client(SERVER_NAME=bakery.host)
    assert again.get(reverse("visit_enter", args=[ticket])).status_code == 404
    client.post(reverse("visit_end"))
    assert client.get("/").status_code == 302


def test_a_ticket_opens_no_other_portal(bakery: House, garage: House, olga: User):
    visit = start_visit(
        organization=bakery.organization,
        visitor=olga,
        kind=Visit.Kind.STAFF,
        reason="Ticket 4711",
        minutes=30,
        may_write=False,
    )
    address = reverse("visit_enter", args=[ticket_for(visit)])
    assert Client(SERVER_NAME=garage.host).get(address).status_code == 404


def test_the_record_only_grows(bakery: House):
    with organization_scope(bakery.organization):
        row = AuditRecord.objects.all()[0]
        for work in (row.delete, lambda: AuditRecord.objects.update(action="nothing")):
            with (
                pytest.raises(ProgrammingError, match="only grows"),
                transaction.atomic(),
            ):
                work()
        with (
            connection.cursor() as cursor,
            pytest.raises(ProgrammingError),
            transaction.atomic(),
        ):
            cursor.execute("delete from portal_auditrecord")
        assert AuditRecord.objects.filter(pk=row.pk, action=row.action).exists()


def test_the_log_is_searched_and_taken_along(acme: House, bakery: House):
    dora = browser(bakery, bakery.people["dora"])
    assert "member.added" in dora.get(reverse("audit_list")).content.decode()
    found = dora.get(reverse("audit_list"), {"q": "dora member.added"}).content.decode()
    assert "member.added" in found
    assert "client.opened" not in found
    assert (
        "Nothing found"
        in dora.get(reverse("audit_list"), {"q": "zzz"}).content.decode()
    )
    table = dora.get(reverse("audit_csv"))
    lines = b"".join(table.streaming_content).decode().splitlines()
    assert lines[0].startswith("time,organization,actor")
    assert all("Bakery" in line for line in lines[1:])
    alice = browser(acme, acme.people["alice"])
    both = alice.get(reverse("audit_csv"), {"with_clients": "on"})
    text = b"".join(both.streaming_content).decode()
    assert "Bakery" in text
    assert "Acme" in text
    sly = dora.get(reverse("audit_csv"), {"with_clients": "on"})
    assert b"Acme" not in b"".join(sly.streaming_content).replace(b"@acme", b"")


def test_a_cell_is_no_formula(bakery: House):
    from portal.views.audit import _line

    assert _line(["=1+1", "@x", "plain"]) == "'=1+1,'@x,plain\r\n"


def test_a_reason_is_needed_by_the_service_too(bakery: House, olga: User):
    with pytest.raises(ValidationError):
        start_visit(
            organization=bakery.organization,
            visitor=olga,
            kind=Visit.Kind.STAFF,
            reason="    ",
            minutes=30,
            may_write=False,
        )
