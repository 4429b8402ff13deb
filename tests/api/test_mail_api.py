"""Mail of a portal over REST: whose name and server, a test, and what went out."""

from __future__ import annotations

from typing import Any

import pytest

from portal.mail import send_mail
from portal.mail.kinds import KINDS
from portal.models import MailSender, OutgoingMail
from portal.scope import agency_scope, organization_scope
from tests.api.conftest import ApiClient
from tests.api.test_portal_api import owners_key
from tests.world import House

SMTP = {
    "transport": "smtp",
    "from_name": "Acme",
    "from_address": "hello@acme.example",
    "smtp_host": "smtp.acme.example",
    "smtp_port": 465,
    "smtp_security": "tls",
    "smtp_user": "acme",
    "smtp_password": "a long password",
}


@pytest.fixture
def owner(acme: House) -> ApiClient:
    return owners_key(acme)


def stored(house: House) -> MailSender | None:
    with agency_scope(house.organization.pk):
        return MailSender.objects.first()


def test_a_sender_is_set_and_its_secrets_never_come_back(
    acme: House, owner: ApiClient
) -> None:
    before = owner.get("/mail-sender").json()["mail_sender"]
    assert (before["transport"], before["has_smtp_password"]) == ("platform", False)
    answer = owner.patch("/mail-sender", SMTP)
    assert answer.status_code == 200
    shown = answer.json()["mail_sender"]
    assert shown["shown_as"] == '"Acme" <hello@acme.example>'
    assert shown["has_smtp_password"] is True
    assert "a long password" not in answer.content.decode()
    renamed = owner.patch("/mail-sender", {"from_name": "Acme Voice"})
    assert renamed.json()["mail_sender"]["smtp_port"] == 465
    row = stored(acme)
    assert row is not None
    assert (row.from_name, row.smtp_password) == ("Acme Voice", "a long password")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"transport": "smtp", "from_address": "a@acme.example"}, "smtp_host"),
        ({"transport": "smtp", "smtp_host": "smtp.acme.example"}, "from_address"),
        ({"transport": "resend", "from_address": "a@acme.example"}, "resend_key"),
        ({"from_address": "nobody"}, "from_address"),
        ({"transport": "pigeon"}, "transport"),
        ({"smtp_port": 0}, "smtp_port"),
        ({"password": "x"}, "password"),
    ],
)
def test_a_sender_that_cannot_be_is_refused_by_its_field(
    acme: House, owner: ApiClient, body: Any, param: str
) -> None:
    answer = owner.patch("/mail-sender", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert stored(acme) is None


def test_a_test_goes_to_somebody_of_the_agency_only(
    acme: House, owner: ApiClient
) -> None:
    refused = owner.post("/mail-sender/test", {"to": "you@elsewhere.example"})
    assert refused.json()["error"]["param"] == "to"
    sent = owner.post("/mail-sender/test", {"to": "Alice@acme.example"})
    assert sent.status_code == 202
    mail = sent.json()["mail"]
    assert (mail["recipient"], mail["status"]) == ("alice@acme.example", "queued")
    assert "as they should" in mail["text"]
    (listed,) = owner.get("/mails?status=queued").json()["mails"]
    assert listed["id"] == mail["id"]
    assert owner.get("/mails?status=failed").json()["mails"] == []


def test_a_failed_mail_goes_again_once(
    acme: House, owner: ApiClient, bakery: House
) -> None:
    with organization_scope(bakery.organization):
        mail = send_mail(
            organization=bakery.organization,
            template="credits_low",
            to="dora@acme.example",
            context=KINDS["credits_low"].sample,
            idempotency_key="low:1",
        )
        again = f"/mails/{mail.pk}/send-again"
        assert owner.post(again).json()["error"]["code"] == "conflict"
        OutgoingMail.objects.filter(pk=mail.pk).update(
            status=OutgoingMail.Status.FAILED, last_error="550 No such mailbox"
        )
    shown = owner.get(f"/mails/{mail.pk}").json()["mail"]
    assert (shown["status"], shown["last_error"]) == ("failed", "550 No such mailbox")
    assert shown["organization_id"] == str(bakery.organization.pk)
    assert owner.post(again).json()["mail"]["status"] == "queued"


def test_a_mail_that_opens_an_account_shows_no_text(
    acme: House, owner: ApiClient
) -> None:
    with organization_scope(acme.organization):
        mail = send_mail(
            organization=acme.organization,
            template="reset",
            to="alice@acme.example",
            context=KINDS["reset"].sample,
            idempotency_key="reset:1",
        )
    assert owner.get(f"/mails/{mail.pk}").json()["mail"]["text"] is None


def test_clients_and_other_agencies_see_none_of_it(
    acme: House, owner: ApiClient, bakery_api: ApiClient, globex: House
) -> None:
    mail = owner.post("/mail-sender/test", {"to": "alice@acme.example"}).json()
    stranger = owners_key(globex)
    assert bakery_api.get("/mail-sender").status_code == 403
    assert bakery_api.get("/mails").status_code == 403
    assert stranger.get("/mails").json()["mails"] == []
    assert stranger.get(f"/mails/{mail['mail']['id']}").status_code == 404
