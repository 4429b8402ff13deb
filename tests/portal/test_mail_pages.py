"""The pages about mail: how each looks, what went out, what failed and goes again."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.mail import send_mail
from portal.mail.kinds import KINDS
from portal.models import AuditRecord, OutgoingMail
from portal.scope import organization_scope
from tests.world import House, browser


@pytest.fixture
def failed(acme: House) -> OutgoingMail:
    with organization_scope(acme.organization):
        send_mail(
            organization=acme.organization,
            template="credits_low",
            to="alice@acme.example",
            context=KINDS["credits_low"].sample,
            idempotency_key="low:1",
        )
        mail = OutgoingMail.objects.get()
        OutgoingMail.objects.filter(pk=mail.pk).update(
            status=OutgoingMail.Status.FAILED,
            last_error="550 No such mailbox",
            attempts=1,
        )
    return mail


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_previewed_in_the_brand(acme: House, kind: str):
    alice = browser(acme, acme.people["alice"])
    page = alice.get(reverse("mail_preview", args=[kind]))
    assert page.status_code == 200
    html = page.content.decode()
    assert acme.portal.name in html
    assert "<script" not in html
    beside = alice.get(reverse("mail_previews"), {"kind": kind}).content.decode()
    assert f'src="{reverse("mail_preview", args=[kind])}"' in beside


def test_an_unknown_kind_is_not_there(acme: House):
    alice = browser(acme, acme.people["alice"])
    assert alice.get(reverse("mail_preview", args=["nothing"])).status_code == 404


def test_a_failed_mail_says_why_and_goes_again(acme: House, failed: OutgoingMail):
    alice = browser(acme, acme.people["alice"])
    log = alice.get(reverse("mail_log")).content.decode()
    assert "alice@acme.example" in log
    shown = reverse("mail_show", args=[failed.pk])
    assert "550 No such mailbox" in alice.get(shown).content.decode()
    assert "Mails not delivered" in alice.get(reverse("cockpit")).content.decode()
    again = reverse("mail_again", args=[failed.pk])
    assert alice.get(again).status_code == 405
    assert alice.post(again).status_code == 302
    with organization_scope(acme.organization):
        mail = OutgoingMail.objects.get()
        assert mail.status == OutgoingMail.Status.QUEUED
        assert mail.due_at <= timezone.now()
        assert AuditRecord.objects.filter(action="mail.sent_again").count() == 1


def test_another_agencys_mail_is_not_there(
    acme: House, globex: House, failed: OutgoingMail
):
    charlie = browser(globex, globex.people["charlie"])
    for name in ("mail_show", "mail_body"):
        assert charlie.get(reverse(name, args=[failed.pk])).status_code == 404
    assert charlie.post(reverse("mail_again", args=[failed.pk])).status_code == 404
    assert b"alice@acme" not in charlie.get(reverse("mail_log")).content
