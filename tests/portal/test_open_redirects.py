"""A link of a portal leads nowhere else, whatever stands behind `next`."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests.world import PASSWORD, House, browser

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "http://acme.localhost@evil.example/",
    "\thttps://evil.example",
]


@pytest.mark.parametrize("there", ELSEWHERE)
def test_signing_in_leads_to_our_own_pages_only(acme: House, there: str):
    form = {
        "login": acme.people["alice"].email,
        "password": PASSWORD,
        "next": there,
    }
    answer = browser(acme).post(reverse("account_login"), form)
    assert (answer.status_code, answer["Location"]) == (302, "/")


@pytest.mark.parametrize("there", ELSEWHERE)
@pytest.mark.parametrize("name", ["set_theme", "set_language"])
def test_choosing_a_look_or_a_language_comes_back(acme: House, name: str, there: str):
    form = {"theme": "dark", "language": "nl", "next": there}
    assert browser(acme).post(reverse(name), form)["Location"] == "/"


@pytest.mark.parametrize("there", ELSEWHERE)
def test_signing_out_and_proving_who_one_is_stay_here(acme: House, there: str):
    client = browser(acme)
    sign_in = {"login": acme.people["alice"].email, "password": PASSWORD}
    client.post(reverse("account_login"), sign_in)
    again = {"password": PASSWORD, "next": there}
    proved = client.post(reverse("account_reauthenticate"), again)
    assert proved["Location"] == "/"
    out = client.post(reverse("account_logout"), {"next": there})
    assert "evil" not in out["Location"]


def test_where_a_question_came_from_is_no_way_out(acme: House):
    """The page that asks for the password again leads back by path alone."""
    alice = browser(acme, acme.people["alice"], is_fresh=False)
    for came_from, back in (
        ("https://evil.example/settings/keys/", "/settings/keys/"),
        ("https://acme.example//evil.example/x", "/evil.example/x"),
        ("", "/"),
    ):
        answer = alice.post(
            reverse("api_key_list"), {"name": "x"}, headers={"referer": came_from}
        )
        assert f'href="{back}"' in answer.content.decode()
        assert '"//' not in answer.content.decode()
