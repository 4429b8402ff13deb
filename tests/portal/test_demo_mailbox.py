"""The demo's mailbox: a real mail server that keeps everything and sends nothing on."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.urls import reverse

from portal.mail import send_mail
from portal.mail.delivery import send_due_mails
from portal.models import OutgoingMail
from portal.scope import all_organizations
from tests.plugins.servers import free_port
from tests.world import House, browser

LINK = "https://portal.example/accounts/password/reset/key/1-abc/"


@pytest.fixture
def mailbox(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The mailbox as `make demo` runs it, and settings that send mails there."""
    folder, port = tmp_path / "mailbox", free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "config.mail_sink", str(port), str(folder)],
        cwd=django_settings.BASE_DIR,
    )
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", port
    settings.EMAIL_USE_TLS = False
    settings.DEMO_MAILBOX = str(folder)
    try:
        yield folder
    finally:
        process.terminate()
        process.wait(10)


def write(house: House) -> OutgoingMail:
    return send_mail(
        organization=house.organization,
        template="reset",
        to=house.people["alice"].email,
        context={"url": LINK},
        idempotency_key="reset:1",
    )


@pytest.mark.slow
def test_a_mail_goes_by_smtp_and_is_read_as_it_arrived(acme: House, mailbox: Path):
    mail = write(acme)
    assert send_due_mails() == 1
    assert (mailbox / f"{mail.pk}.eml").exists()
    with all_organizations("looking at the row"):
        row = OutgoingMail.objects.get(pk=mail.pk)
    # The log keeps no sign-in link, in the demo as everywhere; the mailbox does.
    assert (row.status, row.text, row.html) == ("sent", "", "")
    alice = browser(acme, acme.people["alice"])
    page = alice.get(reverse("mail_show", args=[mail.pk])).content.decode()
    assert LINK in page
    assert "Message-ID" in page
    body = alice.get(reverse("mail_body", args=[mail.pk]))
    assert LINK in body.content.decode()
    assert "sandbox" in body["Content-Security-Policy"]


@pytest.mark.slow
def test_another_agency_reads_none_of_it(acme: House, globex: House, mailbox: Path):
    mail = write(acme)
    send_due_mails()
    charlie = browser(globex, globex.people["charlie"])
    for name in ("mail_show", "mail_body"):
        assert charlie.get(reverse(name, args=[mail.pk])).status_code == 404


@pytest.mark.slow
def test_a_name_that_is_a_path_stays_in_the_folder(mailbox: Path, settings: Any):
    with smtplib.SMTP("127.0.0.1", settings.EMAIL_PORT) as server:
        server.sendmail(
            "a@x.example",
            ["b@x.example"],
            "Message-ID: <../../../../etc/passwd@x>\r\nSubject: x\r\n\r\nHello",
        )
    kept = list(mailbox.parent.rglob("*.eml"))
    assert len(kept) == 1
    assert kept[0].parent == mailbox


def test_outside_the_demo_there_is_no_mailbox(acme: House):
    mail = write(acme)
    send_due_mails()
    alice = browser(acme, acme.people["alice"])
    page = alice.get(reverse("mail_show", args=[mail.pk])).content.decode()
    assert LINK not in page
    assert "Its text is not kept" in page
