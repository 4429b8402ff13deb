"""A page may do what it needs and nothing more."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.models import Portal
from tests.world import House, browser


def policy(response) -> dict[str, str]:
    pairs = response["Permissions-Policy"].split(", ")
    return dict(pair.split("=", 1) for pair in pairs)


def test_only_a_page_with_a_call_may_use_the_microphone(bakery: House) -> None:
    owner = browser(bakery, bakery.people["dora"])
    detail = owner.get(reverse("assistant_detail", args=[bakery.assistant.pk]))
    assert policy(detail)["microphone"] == "(self)"
    for name in ("dashboard", "call_list", "member_list", "assistant_list"):
        assert policy(owner.get(reverse(name)))["microphone"] == "()"


@pytest.mark.parametrize("path", ["/accounts/login/", "/nowhere/", "/api/v1/health"])
def test_every_answer_is_for_our_own_pages(bakery: House, path: str) -> None:
    answer = Client(SERVER_NAME=bakery.host).get(path)
    assert policy(answer)["camera"] == policy(answer)["geolocation"] == "()"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_what_mails_and_pages_elsewhere_show_may_be_fetched_there(
    bakery: House,
) -> None:
    answer = Client(SERVER_NAME=bakery.host).get("/brand/logo-light")
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_no_page_runs_code_or_wears_styles_from_elsewhere(bakery: House) -> None:
    csp = browser(bakery, bakery.people["dora"]).get("/")["Content-Security-Policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in csp.split(";"))
    assert rules["script-src"] == rules["style-src"] == "'self'"
    assert rules["object-src"] == rules["base-uri"] == "'none'"
    assert rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in csp


def test_security_txt_names_the_portals_own_address(bakery: House) -> None:
    Portal.objects.filter(pk=bakery.portal.pk).update(support_email="help@acme.example")
    text = (
        Client(SERVER_NAME=bakery.host).get("/.well-known/security.txt").content
    ).decode()
    fields = dict(line.split(": ", 1) for line in text.splitlines())
    assert fields["Contact"] == "mailto:help@acme.example"
    assert fields["Canonical"].startswith(f"http://{bakery.host}")
    expires = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=1) < expires - timezone.now() < timedelta(days=365)


def test_on_the_operators_host_security_txt_names_the_operator(db, settings) -> None:
    settings.SECURITY_CONTACT = "https://operator.example/report"
    text = Client(SERVER_NAME="localhost").get("/.well-known/security.txt")
    assert b"Contact: https://operator.example/report\n" in text.content
