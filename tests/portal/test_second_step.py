"""Authenticator apps, recovery codes, and the devices a person is signed in at."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
)
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from common.sealing import new_key
from portal.mail.delivery import send_due_mails
from portal.sealed import reseal_all
from tests.world import PASSWORD, House, browser


@pytest.fixture(autouse=True)
def _codes_of_other_tests() -> None:
    cache.clear()


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def sign_in(house: House, name: str) -> tuple[Client, Any]:
    client = browser(house)
    form = {"login": house.people[name].email, "password": PASSWORD}
    return client, client.post(reverse("account_login"), form)


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_an_app_is_set_up_with_its_code_and_gives_recovery_codes(
    acme: House, django_capture_on_commit_callbacks: Any
):
    client, _answer = sign_in(acme, "alice")
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    found = re.search(r'value="([A-Z2-7]{32})" readonly', page)
    assert found
    wrong = client.post(reverse("mfa_activate_totp"), {"code": "000000"})
    assert wrong.status_code == 200
    assert not Authenticator.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(reverse("mfa_activate_totp"), {"code": code_of(found[1])})
    assert done["Location"] == reverse("mfa_view_recovery_codes")
    codes = re.findall(
        r"\b[0-9a-z]{8}\b", client.get(done["Location"]).content.decode()
    )
    assert len(codes) >= 10
    overview = client.get(reverse("mfa_index")).content.decode()
    assert "10 codes are left" in overview
    # The person is told by mail, in the portal's name.
    assert send_due_mails() == 1
    assert mail.outbox[0].subject == "Two-factor sign-in was switched on"


def test_the_code_of_the_app_is_the_second_step_and_works_once(acme: House):
    secret = generate_totp_secret()
    TOTP.activate(acme.people["alice"], secret)
    client, answer = sign_in(acme, "alice")
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert not is_in(client)
    code = code_of(secret)
    assert (
        client.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    )
    assert not is_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code})
    assert is_in(client)
    # Somebody who looked over the shoulder is late.
    other, _answer = sign_in(acme, "alice")
    other.post(reverse("mfa_authenticate"), {"code": code})
    assert not is_in(other)


def test_what_codes_are_made_from_is_sealed_and_moves_to_a_new_key(
    acme: House, settings: Any
):
    alice, secret = acme.people["alice"], generate_totp_secret()
    TOTP.activate(alice, secret)
    codes = RecoveryCodes.activate(alice).generate_codes()

    def kept() -> str:
        return str(list(Authenticator.objects.values_list("data", flat=True)))

    assert secret not in kept()
    assert kept().count("'sealed:") == 2
    # One that is older than the sealing is sealed with the others.
    Authenticator.objects.filter(type=Authenticator.Type.TOTP).update(
        data={"secret": secret}
    )
    before = settings.SEALING_KEYS
    settings.SEALING_KEYS = f"{new_key('newer')},{before}"
    assert reseal_all() >= 2
    assert reseal_all() == 0
    settings.SEALING_KEYS = settings.SEALING_KEYS.partition(",")[0]
    assert secret not in kept()
    app, recovery = (
        Authenticator.objects.get(type=kind).wrap()
        for kind in (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
    )
    assert app.validate_code(code_of(secret))
    assert recovery.generate_codes() == codes


def test_a_recovery_code_works_once(acme: House):
    alice = acme.people["alice"]
    TOTP.activate(alice, generate_totp_secret())
    codes = RecoveryCodes.activate(alice).generate_codes()
    client, _answer = sign_in(acme, "alice")
    client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert is_in(client)
    other, _answer = sign_in(acme, "alice")
    other.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert not is_in(other)
    other.post(reverse("mfa_authenticate"), {"code": codes[1]})
    assert is_in(other)


def test_signing_out_everywhere_else_leaves_only_this_one(acme: House):
    here, _answer = sign_in(acme, "alice")
    there, _answer = sign_in(acme, "alice")
    assert is_in(there)
    page = here.get(reverse("usersessions_list"), HTTP_USER_AGENT="x").content.decode()
    assert page.count('<th scope="row">') == 2
    assert "This one" in page
    here.post(reverse("usersessions_list"))
    assert is_in(here)
    assert not is_in(there)
    assert UserSession.objects.filter(user=acme.people["alice"]).count() == 1


def test_a_device_of_a_client_is_named_as_people_name_it(acme: House):
    client = browser(acme)
    agent = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    form = {"login": acme.people["alice"].email, "password": PASSWORD}
    client.post(reverse("account_login"), form, HTTP_USER_AGENT=agent)
    page = client.get(reverse("usersessions_list")).content.decode()
    assert "Firefox on Windows" in page


def test_choosing_a_new_password_ends_the_sessions_elsewhere(acme: House):
    here, _answer = sign_in(acme, "alice")
    there, _answer = sign_in(acme, "alice")
    new = "another horse battery staple"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post(reverse("account_change_password"), form).status_code == 302
    assert is_in(here)
    assert not is_in(there)


def test_a_session_keeps_no_key_from_before_signing_in(acme: House):
    """Whoever planted a session's key in a browser is not signed in with it."""
    client = browser(acme)
    client.post(reverse("account_login"), {"login": "x@x.example", "password": "no"})
    session = client.session
    session["planted"] = True
    session.save()
    planted = str(session.session_key)
    client.cookies["sessionid"] = planted
    form = {"login": acme.people["alice"].email, "password": PASSWORD}
    client.post(reverse("account_login"), form)
    assert client.session.session_key != planted
    thief = browser(acme)
    thief.cookies["sessionid"] = planted
    assert not is_in(thief)
