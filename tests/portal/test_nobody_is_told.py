"""Known at another portal looks like known nowhere, at every door of a portal.

charlie has an account at globex, and nobody has one as ghost@…; at acme neither can be
told from the other: same page, same status, no mail (or the same one). Timing aside.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.urls import reverse

from portal.mail.delivery import send_due_mails
from portal.models import Invitation, OutgoingMail, Portal, User
from portal.scope import all_organizations
from tests.portal.likeness import likeness
from tests.world import PASSWORD, House, browser

GHOST = "ghost@nowhere.example"


@pytest.fixture(autouse=True)
def _counts_of_other_tests() -> None:
    cache.clear()


@pytest.fixture
def pair(acme: House, globex: House) -> tuple[str, str]:
    return globex.people["charlie"].email, GHOST


def mails() -> list[tuple[str, str]]:
    """Return the mails that wait, without whom they go to."""
    with all_organizations("looking at what went out"):
        return sorted((row.template, row.subject) for row in OutgoingMail.objects.all())


def test_signing_in_with_the_password_of_another_portal(acme: House, pair: Any):
    seen = []
    for email in pair:
        client = browser(acme)
        form = {"login": email, "password": PASSWORD}
        answer = client.post(reverse("account_login"), form)
        seen.append(likeness(answer, email))
        assert "_auth_user_id" not in client.session
    assert seen[0] == seen[1]
    assert seen[0][0] == 200


def test_guessing_is_stopped_for_both_alike(acme: House, pair: Any):
    seen = []
    for email in pair:
        client = browser(acme)
        answers = [
            client.post(reverse("account_login"), {"login": email, "password": "no"})
            for _ in range(7)
        ]
        seen.append([likeness(answer, email) for answer in answers])
        cache.clear()
    assert seen[0] == seen[1]
    assert seen[0][0] != seen[0][-1]


def test_asking_for_a_new_password(acme: House, pair: Any):
    seen = []
    for email in pair:
        client = browser(acme)
        answer = client.post(reverse("account_reset_password"), {"email": email})
        page = client.get(answer["Location"])
        seen.append((likeness(answer, email), likeness(page, email), mails()))
    assert seen[0] == seen[1]
    assert seen[0][2] == []


def test_asking_for_a_sign_in_code(acme: House, pair: Any):
    seen = []
    for email in pair:
        client = browser(acme)
        answer = client.post(reverse("account_request_login_code"), {"email": email})
        page = client.get(reverse("account_confirm_login_code"))
        wrong = client.post(reverse("account_confirm_login_code"), {"code": "ABC123"})
        again = client.post(reverse("account_confirm_login_code"), {"action": "resend"})
        seen.append(
            (
                likeness(answer, email),
                likeness(page, email),
                likeness(wrong, email),
                likeness(again, email),
                mails(),
            )
        )
    assert seen[0] == seen[1]
    assert seen[0][4] == []
    assert b"Enter the code" in page.content


def test_a_code_signs_in_who_is_known_here(acme: House):
    email = acme.people["alice"].email
    client = browser(acme)
    client.post(reverse("account_request_login_code"), {"email": email})
    assert send_due_mails() == 1
    code = re.search(r"^[A-Z0-9-]{6,9}$", str(mail.outbox[0].body), re.MULTILINE)
    assert code
    answer = client.post(reverse("account_confirm_login_code"), {"code": code[0]})
    assert answer["Location"] == "/"
    assert client.get("/").status_code == 200


def test_signing_up(acme: House, pair: Any):
    Portal.objects.filter(pk=acme.portal.pk).update(sign_up="open")
    seen: list[Any] = []
    for email in pair:
        client = browser(acme)
        form = {"email": email, "name": "Some Body", "company": "Some Shop"}
        answer = client.post(reverse("sign_up"), form)
        before = len(seen) + 1
        assert len(mails()) == before  # one to each of them, of the same kind
        seen.append((likeness(answer, email), mails()[-1]))
    assert seen[0] == seen[1]


def test_inviting(acme: House, pair: Any):
    alice = browser(acme, acme.people["alice"])
    seen = []
    for email in pair:
        answer = alice.post(reverse("member_add"), {"email": email, "role": "operator"})
        page = alice.get(reverse("member_list"))
        with all_organizations("looking at what was made"):
            row = Invitation.objects.get(email=email)
            pk = str(row.pk)
            Invitation.objects.filter(pk=row.pk).update(revoked_at=row.sent_at)
        seen.append((likeness(answer, email), likeness(page, email, pk), mails()[-1]))
    assert seen[0] == seen[1]


def test_taking_the_address_of_somebody_elsewhere(acme: House, pair: Any):
    """Changing one's own address: only who reads that mailbox learns more."""
    alice = acme.people["alice"]
    seen = []
    for email in pair:
        client = browser(acme)
        sign_in = {"login": alice.email, "password": PASSWORD}
        client.post(reverse("account_login"), sign_in)
        client.get(reverse("account_reauthenticate"))
        client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
        form = {"email": email, "action_add": ""}
        answer = client.post(reverse("account_email"), form)
        page = client.get(reverse("account_email"))
        seen.append((likeness(answer, email), likeness(page, email), mails()[-1]))
        client.post(reverse("account_email"), {"email": email, "action_remove": ""})
    assert seen[0] == seen[1]
    assert User.objects.get(pk=alice.pk).email == alice.email
    assert "A link was sent to" in seen[0][1][2]
