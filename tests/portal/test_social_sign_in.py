"""Signing in with Google, GitHub or Microsoft: real requests to a server of their kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from django.test import Client
from django.urls import reverse

from portal.models import AuditRecord, SignInApp
from portal.scope import organization_scope
from portal.services.sign_in import remove_sign_in_app, save_sign_in_app
from tests.fakes.sign_in_server import Provider, serving_sign_in
from tests.portal.likeness import likeness
from tests.world import PASSWORD, House, browser

ALL = ["google", "github", "microsoft"]


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A server in place of all three, and the operator's applications at it."""
    with serving_sign_in() as server:
        monkeypatch.setattr(
            GoogleOAuth2Adapter, "authorize_url", f"{server.url}/authorize"
        )
        monkeypatch.setattr(
            GoogleOAuth2Adapter, "access_token_url", f"{server.url}/token"
        )
        monkeypatch.setattr(
            GitHubOAuth2Adapter, "authorize_url", f"{server.url}/authorize"
        )
        monkeypatch.setattr(
            GitHubOAuth2Adapter, "access_token_url", f"{server.url}/token"
        )
        monkeypatch.setattr(GitHubOAuth2Adapter, "profile_url", f"{server.url}/user")
        monkeypatch.setattr(
            GitHubOAuth2Adapter, "emails_url", f"{server.url}/user/emails"
        )
        app = {"client_id": server.client_id, "secret": server.secret, "key": ""}
        there = {"login_url": server.url, "graph_url": server.url}
        settings.SOCIALACCOUNT_PROVIDERS = {
            name: {
                **settings.SOCIALACCOUNT_PROVIDERS[name],
                "APPS": [{**app, "settings": there if name == "microsoft" else {}}],
            }
            for name in ALL
        }
        yield server


def go(client: Client, name: str, query: str = "") -> Any:
    """Press the button, go to the provider and come back; return the portal's answer."""
    away = client.post(reverse(f"{name}_login") + query)
    assert away.status_code == 302
    back = requests.get(away["Location"], allow_redirects=False, timeout=5)
    parts = urlsplit(back.headers["Location"])
    assert parts.path == reverse(f"{name}_callback")
    # The provider sends people back to the portal they came from.
    assert parts.netloc == client.defaults["SERVER_NAME"]
    return client.get(f"{parts.path}?{parts.query}")


def is_signed_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def test_nothing_is_offered_where_nothing_is_set_up(acme: House):
    client = browser(acme)
    assert b"Continue with" not in client.get(reverse("account_login")).content
    for name in ALL:
        assert client.get(reverse(f"{name}_login")).status_code == 404
        assert client.post(reverse(f"{name}_login")).status_code == 404
        assert client.get(reverse(f"{name}_callback")).status_code == 404


def test_buttons_stand_on_the_page_and_wear_the_brand(acme: House, provider: Provider):
    html = (
        browser(acme).get(reverse("account_login") + "?next=/calls/").content.decode()
    )
    for name in ("Google", "GitHub", "Microsoft"):
        assert f"Continue with {name}" in html
    assert "next=%2Fcalls%2F" in html
    page = browser(acme).get(reverse("google_login")).content.decode()
    assert acme.portal.name in page
    assert 'class="auth__card"' in page


@pytest.mark.parametrize("name", ["google", "github"])
def test_a_person_comes_in_by_the_address_the_provider_vouches_for(
    acme: House, provider: Provider, name: str
):
    provider.email = acme.people["alice"].email
    client = browser(acme)
    answer = go(client, name, "?process=login&next=/calls/")
    assert answer["Location"] == "/calls/"
    assert is_signed_in(client)
    assert SocialAccount.objects.get().user == acme.people["alice"]
    # Google was asked with a proof that only this browser can finish.
    if name == "google":
        assert provider.exchanges[0]["code_verifier"]


def test_an_address_nobody_confirmed_lets_nobody_in(acme: House, provider: Provider):
    provider.email, provider.is_verified = acme.people["alice"].email, False
    client = browser(acme)
    answer = go(client, "google")
    assert b"Accounts are made for you" in answer.content
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


def test_microsofts_word_about_an_address_is_not_enough(
    acme: House, provider: Provider
):
    provider.email = acme.people["alice"].email
    client = browser(acme)
    go(client, "microsoft")
    assert not is_signed_in(client)


def test_microsoft_is_connected_first_then_signs_in(acme: House, provider: Provider):
    client = browser(acme)
    sign_in = {"login": acme.people["alice"].email, "password": PASSWORD}
    client.post(reverse("account_login"), sign_in)
    asked = go(client, "microsoft", "?process=connect")
    # Another way into the account: it asks once more who connects it.
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert not SocialAccount.objects.exists()
    client.post(asked["Location"], {"password": PASSWORD})
    assert SocialAccount.objects.get().user == acme.people["alice"]
    html = client.get(reverse("socialaccount_connections")).content.decode()
    assert "Disconnect" in html
    fresh = browser(acme)
    assert go(fresh, "microsoft")["Location"] == "/"
    assert is_signed_in(fresh)


def test_known_elsewhere_reads_the_same_as_known_nowhere(
    acme: House, globex: House, provider: Provider
):
    pages = {}
    for who in (globex.people["charlie"].email, "nobody@example.org"):
        provider.email = who
        client = browser(acme)
        answer = go(client, "google")
        pages[who] = likeness(answer)
        assert not is_signed_in(client)
    one, other = pages.values()
    assert one == other
    # Nor is the account connected by having been here.
    assert not SocialAccount.objects.exists()


def test_somebody_signed_in_learns_no_more_about_others(
    acme: House, globex: House, provider: Provider
):
    pages = []
    for who in (globex.people["charlie"].email, "nobody@example.org"):
        provider.email = who
        answer = go(browser(acme, acme.people["alice"]), "google", "?process=login")
        pages.append(likeness(answer))
    assert pages[0] == pages[1]


def test_the_second_step_is_asked_for_after_the_provider(
    acme: House, provider: Provider
):
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(acme.people["alice"], generate_totp_secret())
    provider.email = acme.people["alice"].email
    client = browser(acme)
    answer = go(client, "google")
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert not is_signed_in(client)


def test_saying_no_at_the_provider_signs_nobody_in(acme: House, provider: Provider):
    provider.says_no = True
    client = browser(acme)
    answer = go(client, "google")
    page = client.get(answer["Location"]).content.decode()
    assert "Nothing was changed" in page
    assert acme.portal.name in page


def test_an_answer_nobody_asked_for_is_turned_away(acme: House, provider: Provider):
    client = browser(acme)
    away = client.post(reverse("google_login"))
    back = requests.get(away["Location"], allow_redirects=False, timeout=5)
    parts = urlsplit(back.headers["Location"])
    # Another browser gets the link slipped.
    victim = browser(acme)
    answer = victim.get(f"{parts.path}?{parts.query}")
    assert "The other side did not say who you are" in answer.content.decode()
    assert not is_signed_in(victim)
    # And a code works once.
    client.get(f"{parts.path}?{parts.query}")
    again = client.get(f"{parts.path}?{parts.query}")
    assert "The other side did not say" in again.content.decode()


def test_an_agencys_own_application_goes_first_and_only_at_its_portal(
    acme: House, globex: House, provider: Provider
):
    save_sign_in_app(
        agency=acme.organization,
        provider="google",
        client_id="acme-own",
        secret="acme-secret-9876",
        actor=acme.people["alice"],
    )
    for house, wanted in ((acme, "acme-own"), (globex, provider.client_id)):
        away = browser(house).post(reverse("google_login"))
        query = parse_qs(urlsplit(away["Location"]).query)
        assert query["client_id"] == [wanted]
        assert query["redirect_uri"][0].startswith(f"http://{house.host}/")
    with organization_scope(acme.organization):
        row = SignInApp.objects.get()
        assert row.hint == "9876"
        entry = AuditRecord.objects.filter(action="sign_in_app.saved").get()
        assert "acme-secret" not in str(entry.changes)
    remove_sign_in_app(
        agency=acme.organization, provider="google", actor=acme.people["alice"]
    )
    away = browser(acme).post(reverse("google_login"))
    assert parse_qs(urlsplit(away["Location"]).query)["client_id"] == [
        provider.client_id
    ]


def test_the_page_sets_a_provider_up_and_shows_no_secret(acme: House):
    alice = browser(acme, acme.people["alice"])
    page = alice.get(reverse("sign_in_edit")).content.decode()
    assert f"http://{acme.host}:8000/accounts/google/login/callback/" in page
    address = reverse("sign_in_app_save", args=["google"])
    wrong = alice.post(address, {"client_id": "id-1", "secret": ""})
    assert wrong.status_code == 422
    assert b"Enter the secret that belongs to the ID" in wrong.content
    with organization_scope(acme.organization):
        assert not SignInApp.objects.exists()
    assert (
        alice.post(
            address, {"client_id": "id-1", "secret": "very-secret-1234"}
        ).status_code
        == 302
    )
    page = alice.get(reverse("sign_in_edit")).content.decode()
    assert "very-secret" not in page
    assert "Ends in 1234" in page
    assert (
        b"Continue with Google" in browser(acme).get(reverse("account_login")).content
    )
    assert alice.post(reverse("sign_in_app_save", args=["nowhere"])).status_code == 404
    alice.post(reverse("sign_in_app_remove", args=["google"]))
    assert b"Continue with" not in browser(acme).get(reverse("account_login")).content


def test_a_client_decides_on_second_steps_and_has_no_providers(bakery: House):
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("sign_in_edit")).content.decode()
    assert "0 of 2 people have a second step" in page
    assert "Client ID" not in page
    assert (
        dora.post(
            reverse("sign_in_app_save", args=["google"]),
            {"client_id": "x", "secret": "y"},
        ).status_code
        == 403
    )
    dora.post(reverse("sign_in_edit"), {"is_required": "on"})
    answer = dora.get("/calls/")
    assert answer["Location"] == reverse("mfa_index")
    assert b"asks everybody for a second step" in dora.get(answer["Location"]).content
