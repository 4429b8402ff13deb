"""Who reads what: a person's choice, then the portal's, then the browser's; programs
and the audit of machines English."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from common.lazy_text import lazy_sentence
from portal.languages import language_for, paper_language
from portal.mail import send_mail
from portal.models import Portal, User
from tests.world import House


def speak(house: House, language: str) -> None:
    Portal.objects.filter(pk=house.portal.pk).update(language=language)
    house.portal.refresh_from_db()


def page_language(house: House, accepts: str, **cookies: str) -> str:
    visitor = Client(HTTP_HOST=house.host, HTTP_ACCEPT_LANGUAGE=accepts)
    visitor.cookies.load(cookies)
    answer = visitor.get(reverse("account_login"))
    language = answer.headers["Content-Language"]
    assert f'<html lang="{language}"' in answer.content.decode()
    return language


@pytest.mark.parametrize(
    ("portal", "accepts", "language"),
    [
        ("nl", "de", "nl"),
        ("", "de-AT,de;q=0.9,en;q=0.1", "de"),
        ("", "fr, nl;q=0.5", "nl"),
        ("", "fr", "en"),
        ("", "", "en"),
        ("", "*;q=nonsense, ;;;, <script>", "en"),
    ],
)
def test_the_browser_decides_only_where_the_portal_leaves_it_to_visitors(
    acme: House, portal: str, accepts: str, language: str
):
    speak(acme, portal)
    assert page_language(acme, accepts) == language


def test_what_was_chosen_in_a_browser_comes_before_the_portal(acme: House):
    speak(acme, "nl")
    assert page_language(acme, "en", language="de") == "de"
    assert page_language(acme, "en", language="tlh") == "nl"


def test_programs_are_answered_in_english(acme: House):
    speak(acme, "de")
    answer = Client(HTTP_HOST=acme.host, HTTP_ACCEPT_LANGUAGE="de").get("/api/v1/calls")
    assert answer.headers["Content-Language"] == "en"
    assert answer.json()["error"]["message"] == "Invalid or missing API key."


def test_a_mail_is_in_its_readers_language_whoever_causes_it(acme: House):
    alice = acme.people["alice"]
    speak(acme, "nl")
    User.objects.filter(pk=alice.pk).update(language="de")
    assert language_for(alice.email, acme.portal) == "de"
    assert language_for("somebody@else.example", acme.portal) == "nl"
    mail = send_mail(
        organization=acme.organization,
        template="receipt",
        to=alice.email,
        context={"number": "1", "paid_at": timezone.now(), "url": "https://x.example"},
        idempotency_key="a-german-receipt",
    )
    assert mail.language == "de"
    assert '<html lang="de">' in mail.html


def test_a_sentence_with_values_waits_for_its_reader():
    said = lazy_sentence("%(name)s asks", {"name": "Dora"})
    assert str(said) == "Dora asks"


def test_a_paper_has_the_portals_language_whoever_fetches_it(acme: House):
    speak(acme, "nl")
    assert paper_language(acme.portal) == "nl"
    speak(acme, "")
    assert paper_language(acme.portal) == "en"
    assert paper_language(None) == "en"
