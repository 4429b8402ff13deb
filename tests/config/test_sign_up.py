"""Strangers become clients: confirmed, approved where wanted, and told nothing on the way."""

from __future__ import annotations

import re
import time

import pytest
from django.test import Client
from django.urls import reverse

from assistants.models import Assistant
from portal.models import (
    Membership,
    Organization,
    OutgoingMail,
    Portal,
    Role,
    SignUpRequest,
)
from portal.scope import all_organizations, organization_scope
from tests.world import PASSWORD, House, browser

# What differs from page to page by design.
TOKEN = r"[A-Za-z0-9]{64}"
NEW = {"name": "Nina", "company": "Northwind", "email": "nina@northwind.example"}


def open_doors(acme: House, mode: str) -> None:
    portal = Portal.objects.get(pk=acme.portal.pk)
    portal.sign_up = mode
    portal.template_assistant_ids = [str(acme.assistant.pk)]
    portal.save()


def ask(acme: House, **changes: str):
    return browser(acme).post(reverse("sign_up"), NEW | changes)


def mails(template: str) -> list[OutgoingMail]:
    with all_organizations("the test reads the mails"):
        return list(
            OutgoingMail.objects.filter(template=template).order_by("created_at")
        )


def link() -> str:
    return re.search(r"https?://[^/\s]+(/welcome/\S+)", mails("verify")[-1].text)[1]


def test_a_stranger_talks_to_an_assistant_in_a_handful_of_requests(acme: House):
    open_doors(acme, "open")
    began = time.monotonic()
    visitor = browser(acme)
    visitor.post(reverse("sign_up"), NEW)
    assert visitor.get(link()).status_code == 200
    joined = visitor.post(link())
    assert joined.url.startswith("/join/")
    answer = visitor.post(
        joined.url, {"name": "Nina", "password": "a long and good password"}
    )
    assert answer.url == "/"
    html = visitor.get("/").content.decode()
    assert acme.assistant.name in html
    member = Membership.objects.get(user__email=NEW["email"])
    assert member.role == Role.OWNER
    with organization_scope(member.organization):
        [copy] = Assistant.objects.all()
        assert copy.pk != acme.assistant.pk
        assert copy.name == acme.assistant.name
    assert member.organization.parent_id == acme.organization.pk
    assert time.monotonic() - began < 120


def test_every_address_gets_the_same_answer(acme: House, bakery: House, garage: House):
    open_doors(acme, "open")
    known_here = bakery.people["dora"].email
    known_elsewhere = garage.people["lena"].email
    answers = (
        ask(acme),
        ask(acme, email=known_here),
        ask(acme, email=known_elsewhere),
    )
    assert len({re.sub(TOKEN, "", page.content.decode()) for page in answers}) == 1
    texts = [re.sub(r"/welcome/\S+", "", mail.text) for mail in mails("verify")]
    assert len(texts) == 3
    assert len(set(texts)) == 1


def test_a_person_of_another_portal_keeps_their_password(acme: House, garage: House):
    open_doors(acme, "open")
    lena = garage.people["lena"]
    ask(acme, email=lena.email)
    visitor = browser(acme)
    joined = visitor.post(link())
    answer = visitor.post(joined.url, {"name": "Eve", "password": "another password"})
    assert answer.url == reverse("account_login")
    lena.refresh_from_db()
    assert lena.check_password(PASSWORD)


def test_a_link_works_once_and_only_at_its_portal(acme: House, globex: House):
    open_doors(acme, "open")
    open_doors(globex, "open")
    ask(acme)
    assert browser(globex).post(link()).status_code == 404
    assert browser(acme).post(link()).status_code == 302
    assert browser(acme).post(link()).status_code == 404


def test_an_agency_approves_first_where_it_wants_to(acme: House):
    open_doors(acme, "approval")
    ask(acme)
    assert "Thank you" in browser(acme).post(link()).content.decode()
    assert mails("notice")[-1].recipient == acme.people["alice"].email
    with all_organizations("the test looks"):
        assert not Organization.objects.filter(name="Northwind").exists()
        wish = SignUpRequest.objects.get()
    alice = browser(acme, acme.people["alice"])
    assert "Northwind" in alice.get(reverse("client_list")).content.decode()
    alice.post(reverse("sign_up_decide", args=[wish.pk, "approve"]))
    alice.post(reverse("sign_up_decide", args=[wish.pk, "approve"]))
    with all_organizations("the test looks"):
        assert Organization.objects.filter(name="Northwind").count() == 1
    assert mails("invite")[-1].recipient == NEW["email"]


def test_a_declined_wish_opens_nothing(acme: House):
    open_doors(acme, "approval")
    ask(acme)
    browser(acme).post(link())
    with all_organizations("the test looks"):
        wish = SignUpRequest.objects.get()
    alice = browser(acme, acme.people["alice"])
    alice.post(reverse("sign_up_decide", args=[wish.pk, "decline"]))
    alice.post(reverse("sign_up_decide", args=[wish.pk, "approve"]))
    with all_organizations("the test looks"):
        assert not Organization.objects.filter(name="Northwind").exists()


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_closed_doors_stay_closed(acme: House, mode: str):
    open_doors(acme, mode)
    assert "on invitation" in ask(acme).content.decode()
    assert mails("verify") == []


def test_doors_closed_after_asking_stop_the_link(acme: House):
    open_doors(acme, "open")
    ask(acme)
    open_doors(acme, "closed")
    assert browser(acme).post(link()).status_code == 404
    with all_organizations("the test looks"):
        assert not Organization.objects.filter(name="Northwind").exists()


def test_a_flood_of_sign_ups_ends(acme: House):
    open_doors(acme, "open")
    answers = [ask(acme, email=f"n{n}@x.example").status_code for n in range(12)]
    assert answers == [200] * 10 + [429] * 2
    other = Client(SERVER_NAME=acme.host, REMOTE_ADDR="8.8.4.4")
    assert other.post(reverse("sign_up"), NEW).status_code == 200


def test_a_mailbox_is_not_flooded(acme: House):
    open_doors(acme, "open")
    for _n in range(6):
        assert ask(acme).status_code == 200
    assert len(mails("verify")) == 3


def test_a_forged_forwarded_address_does_not_help_a_flood(acme: House):
    open_doors(acme, "open")
    visitor = Client(SERVER_NAME=acme.host, REMOTE_ADDR="8.8.4.4")
    answers = [
        visitor.post(
            reverse("sign_up"),
            NEW | {"email": f"n{n}@x.example"},
            headers={"x-forwarded-for": f"198.51.100.{n}"},
        ).status_code
        for n in range(12)
    ]
    assert answers[-1] == 429


def test_a_program_that_fills_in_everything_is_ignored(acme: House):
    open_doors(acme, "open")
    assert ask(acme, website="https://spam.example").status_code == 200
    assert mails("verify") == []


def test_fields_that_were_not_asked_for_count_for_nothing(acme: House):
    open_doors(acme, "open")
    ask(acme, role="owner", parent_id="", is_staff="1", status="opened")
    with all_organizations("the test looks"):
        assert SignUpRequest.objects.get().status == "unconfirmed"
