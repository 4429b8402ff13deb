"""A domain mails are sent from: its records, its signature, and Resend's part in it."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.core.exceptions import ValidationError

from portal.mail import domains, send_mail
from portal.mail.delivery import send_due_mails
from portal.mail.dkim import headers_of, relaxed_body, relaxed_header
from portal.mail.kinds import KINDS
from portal.models import MailSender, OutgoingMail, SendingDomain
from portal.scope import all_organizations, organization_scope
from tests.fakes.dns_server import name_server
from tests.fakes.resend_server import resend_server
from tests.fakes.smtp_server import mail_server
from tests.world import House

NAME = "mail.acme.example"


def add(house: House, name: str = NAME) -> SendingDomain:
    return domains.add_sending_domain(
        organization=house.organization, name=name, actor=None
    )


def queue(house: House) -> OutgoingMail:
    return send_mail(
        organization=house.organization,
        template="receipt",
        to="dora@bakery.example",
        context=KINDS["receipt"].sample,
        idempotency_key="receipt:1",
    )


def publish(zone, domain: SendingDomain) -> None:
    for record in domain.records:
        if record["type"] == "MX":
            zone.put(record["name"], "MX", f"{record['priority']} {record['value']}.")
        else:
            text = record["value"]
            parts = [f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)]
            zone.put(record["name"], "TXT", " ".join(parts))


def test_a_domain_is_verified_when_all_its_records_stand(acme: House, settings):
    with name_server() as zone, organization_scope(acme.organization):
        settings.DNS_SERVERS = [zone.address]
        domain = add(acme)
        assert domain.status == "not_started"
        assert [(r["record"], r["type"]) for r in domain.records] == [
            ("SPF", "TXT"),
            ("SPF", "MX"),
            ("DKIM", "TXT"),
        ]
        assert domains.verify_sending_domain(domain=domain).status == "pending"
        publish(zone, domain)
        verified = domains.verify_sending_domain(domain=domain)
        assert verified.status == "verified"
        assert verified.verified_at is not None
        zone.is_failing = True
        assert domains.verify_sending_domain(domain=domain).status == "verified"
        zone.is_failing = False
        zone.drop(domain.records[2]["name"], "TXT")
        assert domains.verify_sending_domain(domain=domain).status == "failed"


@pytest.mark.parametrize("name", ["", "acme", "127.0.0.1", "a b.example", "localhost"])
def test_a_bad_name_is_refused(acme: House, name: str):
    with organization_scope(acme.organization), pytest.raises(ValidationError):
        add(acme, name)


def test_an_organization_has_one(acme: House):
    with organization_scope(acme.organization):
        add(acme)
        with pytest.raises(ValidationError):
            add(acme, "other.example")


def test_a_mail_of_a_verified_domain_carries_its_signature(acme: House, settings):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with mail_server() as server:
        with organization_scope(acme.organization):
            domain = add(acme)
            domain.status = "verified"
            domain.save()
            MailSender.objects.create(
                organization=acme.organization,
                from_address=f"post@{NAME}",
                transport=MailSender.Transport.SMTP,
                smtp_host=server.host,
                smtp_port=server.port,
                smtp_security=MailSender.Security.NONE,
            )
        queue(acme)
        assert send_due_mails() == 1
        [raw] = server.raw
        assert server.senders == [f"bounce@send.{NAME}"]
    headers = headers_of(raw)
    tags = dict(
        part.strip().split("=", 1)
        for part in headers["dkim-signature"].decode().replace("\r\n", "").split(";")
    )
    assert (tags["d"], tags["s"], tags["a"]) == (
        NAME,
        domain.dkim_selector,
        "rsa-sha256",
    )
    body = raw.partition(b"\r\n\r\n")[2]
    digest = hashes.Hash(hashes.SHA256())
    digest.update(relaxed_body(body))
    assert base64.b64encode(digest.finalize()).decode() == tags["bh"].replace(" ", "")
    signed = b"".join(
        relaxed_header(name, headers[name]) + b"\r\n" for name in tags["h"].split(":")
    )
    bare = headers["dkim-signature"].partition(b" b=")[0] + b" b="
    signed += relaxed_header("dkim-signature", bare)
    published = domain.records[2]["value"].rpartition("p=")[2]
    key = serialization.load_der_public_key(base64.b64decode(published))
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(tags["b"]), signed, padding.PKCS1v15(), hashes.SHA256())


@pytest.fixture
def resend(settings, acme: House):
    with resend_server() as server:
        settings.RESEND_API_URL = server.url
        with organization_scope(acme.organization):
            MailSender.objects.create(
                organization=acme.organization,
                from_address="post@acme.example",
                transport=MailSender.Transport.RESEND,
                resend_key=server.key,
            )
        yield server


def test_a_mail_goes_out_through_the_agencys_resend_account(acme: House, resend):
    queue(acme)
    assert send_due_mails() == 1
    [sent] = resend.emails
    assert sent["from"] == "Acme <post@acme.example>"
    assert sent["to"] == ["dora@bakery.example"]
    assert "2026-0042" in sent["html"]


def test_what_resend_refuses_is_kept_in_its_words(acme: House, resend):
    resend.fail_with = (422, "The acme.example domain is not verified")
    mail = queue(acme)
    send_due_mails()
    with all_organizations("the test looks at the row"):
        row = OutgoingMail.objects.get(pk=mail.pk)
    assert (row.status, row.last_error) == (
        "failed",
        "422 The acme.example domain is not verified",
    )


def test_a_wrong_resend_key_is_told_to_the_agency(acme: House, resend):
    resend.key = "re_other"
    queue(acme)
    send_due_mails()
    with organization_scope(acme.organization):
        sender = MailSender.objects.get()
    assert sender.last_error == "401 API key is invalid"
    assert "re_right" not in sender.last_error


def test_resend_keeps_the_domain_where_the_agency_has_an_account(acme: House, resend):
    with organization_scope(acme.organization):
        domain = add(acme)
        assert domain.resend_domain_id == "d-1"
        assert domain.records[0]["priority"] == 10
        assert domains.verify_sending_domain(domain=domain).status == "verified"
        domains.remove_sending_domain(domain=domain, actor=None)
        again = domains.sync_sending_domain(
            organization=acme.organization, resend_domain_id="d-1", actor=None
        )
        assert (again.domain_name, again.status) == (NAME, "verified")
        with pytest.raises(domains.MailServiceError, match="not found"):
            domains.sync_sending_domain(
                organization=acme.organization, resend_domain_id="d-9", actor=None
            )
        with pytest.raises(ValidationError):
            domains.sync_sending_domain(
                organization=acme.organization, resend_domain_id="../keys", actor=None
            )
