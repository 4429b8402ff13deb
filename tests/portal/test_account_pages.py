"""Sign-in, passwords and second steps: every page and mail wears the portal's brand."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.urls import reverse

from portal.mail.delivery import send_due_mails
from portal.models import AuditRecord, Membership, Role
from portal.scope import organization_scope
from tests.world import PASSWORD, House, browser

PUBLIC = ["account_login", "account_signup", "account_reset_password"]
PRIVATE = [
    "account_logout",
    "account_change_password",
    "account_email",
    "own_profile",
    "account_reauthenticate",
    "mfa_index",
]


def one_heading(html: str) -> str:
    headings = re.findall(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    assert len(headings) == 1
    return headings[0].strip()


@pytest.mark.parametrize("name", PUBLIC)
def test_a_page_before_sign_in_shows_the_brand(acme: House, name: str):
    response = browser(acme).get(reverse(name))
    html = response.content.decode()
    assert response.status_code == 200
    assert one_heading(html)
    assert acme.portal.name in html
    assert "brand.css?v=" in html
    assert 'class="auth__card"' in html


@pytest.mark.parametrize("name", PRIVATE)
def test_a_page_about_the_own_account_shows_the_brand(acme: House, name: str):
    client = browser(acme)
    sign_in = {"login": acme.people["alice"].email, "password": PASSWORD}
    client.post(reverse("account_login"), sign_in)
    response = client.get(reverse(name))
    html = response.content.decode()
    assert response.status_code == 200
    assert one_heading(html)
    assert acme.portal.name in html


def test_a_second_step_is_set_up_after_the_password_was_asked_again(acme: House):
    client = browser(acme)
    sign_in = {"login": acme.people["alice"].email, "password": PASSWORD}
    client.post(reverse("account_login"), sign_in)
    set_up = reverse("mfa_activate_totp")
    again = client.get(set_up).url
    assert again.startswith(reverse("account_reauthenticate"))
    assert client.post(again, {"password": PASSWORD}).url == set_up
    html = client.get(set_up).content.decode()
    assert one_heading(html)
    assert "data:image/svg+xml" in html
    assert "Or type this key into the app" in html


def test_a_wrong_password_is_said_once_and_names_nobody(acme: House):
    wrong = {"login": acme.people["alice"].email, "password": "wrong"}
    html = browser(acme).post(reverse("account_login"), wrong).content.decode()
    assert html.count('role="alert"') == 1
    assert "Alice" not in html


def test_two_portals_have_two_faces(acme: House, globex: House):
    sheets = set()
    for house in (acme, globex):
        html = browser(house).get(reverse("account_login")).content.decode()
        sheets.add(re.search(r'href="([^"]*brand\.css[^"]*)"', html)[1])
        assert {"Acme", "Globex"} & set(re.findall(r"Acme|Globex", html)) == {
            house.portal.name
        }
    assert len(sheets) == 2


def test_the_reset_mail_wears_the_brand_in_both_its_forms(acme: House):
    acme.portal.accent_color = "#ffe600"
    acme.portal.save(update_fields=["accent_color"])
    address = acme.people["alice"].email
    browser(acme).post(reverse("account_reset_password"), {"email": address})
    assert send_due_mails() == 1
    [message] = mail.outbox
    [(html, kind)] = message.alternatives
    assert message.subject == f"Choose a new password for {acme.portal.name}"
    assert message.body.strip().endswith(acme.portal.name)
    assert kind == "text/html"
    assert "background:#ffe600;color:#000000" in html
    link = re.search(r"https?://\S+/accounts/password/reset/key/\S+", message.body)[0]  # type: ignore[arg-type]  # a str by now
    assert link in html
    assert acme.host in link


def test_a_person_is_called_as_they_like_and_every_log_says_so(
    acme: House, bakery: House
):
    alice = acme.people["alice"]
    Membership.objects.create(
        user=alice, organization=bakery.organization, role=Role.VIEWER
    )
    client = browser(acme, alice)
    at = reverse("own_profile")
    assert client.post(at, {"name": " Alice Adams "}).status_code == 302
    assert "Alice Adams" in client.get(reverse("member_list")).content.decode()
    alice.refresh_from_db()
    assert alice.name == "Alice Adams"
    for house in (acme, bakery):
        with organization_scope(house.organization):
            [record] = AuditRecord.objects.filter(action="member.renamed")
        assert record.changes == {"name": ["Alice", "Alice Adams"]}
        assert record.actor == alice
    assert client.post(at, {"name": "Alice Adams"}).status_code == 302
    with organization_scope(acme.organization):
        assert AuditRecord.objects.filter(action="member.renamed").count() == 1


@pytest.mark.parametrize("name", ["", "   ", "a" * 121, "a\x00b"])
def test_a_name_that_is_none_is_refused_beside_its_field(acme: House, name: str):
    alice = acme.people["alice"]
    answer = browser(acme, alice).post(reverse("own_profile"), {"name": name})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["name"]
    alice.refresh_from_db()
    assert alice.name == "Alice"
