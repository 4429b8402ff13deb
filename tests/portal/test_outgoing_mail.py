"""A mail leaves with the transaction that wrote it, is tried until it is accepted, and
is never lost without a trace."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from portal.mail import send_mail
from portal.mail.delivery import (
    PAUSES_S,
    forget_old_bodies,
    send_again,
    send_due_mails,
)
from portal.mail.kinds import KINDS, UnknownMail
from portal.mail.rendering import render_mail
from portal.mail.transports import SENT, Envelope, Outcome
from portal.models import MailSender, OutgoingMail
from portal.scope import all_organizations, organization_scope
from tests.fakes.smtp_server import mail_server
from tests.world import House

RECEIPT = dict(KINDS["receipt"].sample)


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]


def queue(house: House, key: str = "receipt:1", **changes: object) -> OutgoingMail:
    values: dict[str, Any] = {
        "organization": house.organization,
        "template": "receipt",
        "to": "dora@bakery.example",
        "context": RECEIPT,
        "idempotency_key": key,
    }
    return send_mail(**(values | changes))


def state(mail: OutgoingMail) -> OutgoingMail:
    with all_organizations("the test looks at the row"):
        return OutgoingMail.objects.get(pk=mail.pk)


def make_due(mail: OutgoingMail) -> None:
    with all_organizations("the test lets time pass"):
        OutgoingMail.objects.filter(pk=mail.pk).update(due_at=timezone.now())


def test_a_mail_leaves_once_with_both_its_faces(bakery: House, settings):
    mail = queue(bakery)
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_USE_TLS = False
        assert send_due_mails() == 1
        assert send_due_mails() == 0
    [message] = server.messages
    assert message["To"] == "dora@bakery.example"
    assert message["From"] == f"{bakery.portal.name} <{settings.DEFAULT_FROM_EMAIL}>"
    assert message["Subject"] == "Receipt 2026-0042"
    assert str(mail.pk) in message["Message-ID"]
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    row = state(mail)
    assert (row.status, row.attempts, row.last_error) == ("sent", 1, "")
    assert row.sent_at is not None


@pytest.mark.django_db(transaction=True)
def test_a_mail_of_a_rolled_back_transaction_was_never_there(bakery: House):
    class Broken(Exception):
        pass

    def work() -> None:
        with transaction.atomic():
            queue(bakery)
            raise Broken

    with pytest.raises(Broken):
        work()
    assert send_due_mails(lambda envelope: SENT) == 0


def test_the_same_key_again_writes_nothing(bakery: House, garage: House):
    first = queue(bakery)
    assert (
        queue(bakery, template="notice", context=KINDS["notice"].sample).pk == first.pk
    )
    assert queue(garage).pk != first.pk
    assert send_due_mails(lambda envelope: SENT) == 2


def test_a_kind_nobody_drew_is_refused(bakery: House):
    with pytest.raises(UnknownMail):
        queue(bakery, template="birthday")


def test_a_refused_address_is_final_and_visible(bakery: House, settings):
    mail = queue(bakery)
    with mail_server() as server:
        server.on_rcpt = "550 No such user here"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_USE_TLS = False
        send_due_mails()
    row = state(mail)
    assert (row.status, row.last_error) == ("failed", "550 No such user here")


def test_a_busy_server_is_asked_again_later_and_later(bakery: House):
    mail = queue(bakery)
    pauses = []
    for _try in range(len(PAUSES_S)):
        before = timezone.now()
        send_due_mails(lambda envelope: Outcome(error="451 Try later"))
        row = state(mail)
        assert row.status == "queued"
        pauses.append(round((row.due_at - before).total_seconds()))
        make_due(mail)
    assert pauses == list(PAUSES_S)
    send_due_mails(lambda envelope: Outcome(error="451 Try later"))
    assert (state(mail).status, state(mail).attempts) == ("failed", len(PAUSES_S) + 1)


def test_a_worker_that_died_leaves_its_mail_to_the_next(bakery: House):
    mail = queue(bakery)

    class Died(BaseException):
        pass

    def die(envelope: Envelope) -> Outcome:
        raise Died

    with pytest.raises(Died):
        send_due_mails(die)
    assert state(mail).status == "sending"
    assert send_due_mails(lambda envelope: SENT) == 0
    with all_organizations("the test lets the lease run out"):
        OutgoingMail.objects.filter(pk=mail.pk).update(
            lease_until=timezone.now() - timedelta(seconds=1)
        )
    assert send_due_mails(lambda envelope: SENT) == 1
    assert (state(mail).status, state(mail).attempts) == ("sent", 2)


def test_an_agency_whose_server_is_down_holds_up_nobody(bakery: House, garage: House):
    mails = [queue(bakery, key=f"receipt:{n}") for n in range(3)]
    other = queue(garage)
    tried = []

    def deliver(envelope: Envelope) -> Outcome:
        tried.append(envelope.mail.agency_id)
        if envelope.mail.agency_id == bakery.portal.agency_id:
            return Outcome(is_server_down=True, error="Connection refused")
        return SENT

    assert send_due_mails(deliver) == 1
    assert tried.count(bakery.portal.agency_id) == 1
    assert state(other).status == "sent"
    assert [state(mail).status for mail in mails] == ["queued"] * 3


def test_a_failed_mail_can_be_sent_again_by_hand(bakery: House):
    mail = queue(bakery)
    send_due_mails(lambda envelope: Outcome(is_final=True, error="550 Full"))
    with organization_scope(bakery.organization):
        assert send_again(mail=mail, actor=None)
        assert not send_again(mail=mail, actor=None)
    assert send_due_mails(lambda envelope: SENT) == 1


def test_a_body_that_opens_an_account_is_not_kept(bakery: House):
    secret = queue(bakery, template="reset", context={"url": "https://x.example/key"})
    plain = queue(bakery, key="receipt:2")
    assert "https://x.example/key" in state(secret).text
    with connection.cursor() as cursor, all_organizations("the test reads the table"):
        cursor.execute("select text, html from portal_outgoingmail")
        assert "x.example" not in str(cursor.fetchall())
    send_due_mails(lambda envelope: SENT)
    assert (state(secret).text, state(secret).html) == ("", "")
    assert "2026-0042" in state(plain).text
    with all_organizations("the test lets time pass"):
        OutgoingMail.objects.filter(pk=plain.pk).update(
            created_at=timezone.now() - timedelta(days=31)
        )
    assert forget_old_bodies() == 1
    assert state(plain).html == ""


def test_another_agencys_mails_are_not_there(bakery: House, garage: House):
    mail = queue(bakery)
    with organization_scope(garage.organization):
        assert not OutgoingMail.objects.filter(pk=mail.pk).exists()
        assert not OutgoingMail._base_manager.filter(pk=mail.pk).exists()


def test_an_agencys_own_server_is_used_with_its_own_name(acme: House, bakery: House):
    with mail_server(password="s3cret") as server:
        with organization_scope(acme.organization):
            MailSender.objects.create(
                organization=acme.organization,
                from_name="Acme Post",
                from_address="post@acme.example",
                reply_to="help@acme.example",
                transport=MailSender.Transport.SMTP,
                smtp_host=server.host,
                smtp_port=server.port,
                smtp_security=MailSender.Security.NONE,
                smtp_user="acme",
                smtp_password="s3cret",
            )
        mail = queue(bakery)
        assert send_due_mails() == 1
    [message] = server.messages
    assert server.logins == ["acme"]
    assert message["From"] == "Acme Post <post@acme.example>"
    assert message["Reply-To"] == "help@acme.example"
    assert message["Message-ID"] == f"<{mail.pk}@acme.example>"


def test_a_wrong_password_is_told_to_the_agency(acme: House, bakery: House):
    with mail_server(password="right") as server:
        with organization_scope(acme.organization):
            MailSender.objects.create(
                organization=acme.organization,
                transport=MailSender.Transport.SMTP,
                smtp_host=server.host,
                smtp_port=server.port,
                smtp_security=MailSender.Security.NONE,
                smtp_user="acme",
                smtp_password="wrong",
            )
        mail = queue(bakery)
        send_due_mails()
    assert server.messages == []
    assert state(mail).status == "queued"
    with organization_scope(acme.organization):
        sender = MailSender.objects.get()
    assert sender.last_error.startswith("535")
    assert sender.failing_since is not None
    assert "wrong" not in sender.last_error


def test_a_server_inside_our_network_is_refused(acme: House, bakery: House, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = []
    with mail_server() as server:
        with organization_scope(acme.organization):
            MailSender.objects.create(
                organization=acme.organization,
                transport=MailSender.Transport.SMTP,
                smtp_host=server.host,
                smtp_port=server.port,
                smtp_security=MailSender.Security.NONE,
            )
        mail = queue(bakery)
        send_due_mails()
    assert server.messages == []
    assert "no public address" in state(mail).last_error


def test_a_line_break_in_a_name_adds_no_header(bakery: House):
    context = RECEIPT | {"number": "1\nBcc: eve@evil.example"}
    mail = queue(bakery, context=context)
    assert mail.subject == "Receipt 1"


def test_markup_in_a_value_is_text(bakery: House):
    context = RECEIPT | {"organization_name": "<img src=x onerror=alert(1)>"}
    mail = queue(bakery, context=context)
    assert "<img src=x" not in mail.html
    assert "<img src=x" in mail.text


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_every_kind_is_drawn_in_the_brand(acme: House, name: str, language: str):
    acme.portal.accent_color = "#ffe600"
    rendered = render_mail(
        name, portal=acme.portal, language=language, context=KINDS[name].sample
    )
    assert rendered.subject
    assert acme.portal.name in rendered.html
    assert acme.portal.name in rendered.text
    assert "border-top:4px solid #ffe600" in rendered.html
    assert f'<html lang="{language}">' in rendered.html
    assert "{{" not in rendered.html + rendered.text


def test_every_pair_of_templates_has_its_kind():
    folder = Path(settings.BASE_DIR) / "templates" / "mail"
    parts = {"base", "button", "fact"}
    for suffix in (".html", ".txt"):
        found = {path.stem for path in folder.glob(f"*{suffix}")} - parts
        assert found == set(KINDS)


def test_an_answer_of_the_server_is_sorted_once():
    from portal.mail.transports import outcome_of

    refused = smtplib.SMTPRecipientsRefused({"a@b.example": (450, b"Later")})
    assert not outcome_of(refused).is_final
    assert outcome_of(smtplib.SMTPDataError(554, b"Spam")).is_final
    assert outcome_of(TimeoutError()).is_server_down
    assert outcome_of(smtplib.SMTPServerDisconnected("gone")).is_server_down
