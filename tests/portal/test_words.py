"""A portal's words for credits and assistants stand wherever its pages and mails say them."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext

from portal.mail.rendering import render_mail
from portal.models import Portal
from portal.scope import organization_scope
from portal.words import Words, put, speaking
from tests.portal.test_brand_page import save
from tests.world import House, browser

AGENTS = Words(
    assistant="agent", assistants="agents", credit="minute", credits="minutes"
)
BOT = Words(assistant="bot", assistants="bots", credit="euro", credits="euros")


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("New assistant", "New bot"),
        ("Assistants", "Bots"),
        ("An assistant answers.", "A bot answers."),
        ("Name an assistant", "Name a bot"),
        ("Buy credits", "Buy euros"),
        ("%(count)d credits left", "%(count)d euros left"),
        ("What a credit costs", "What an euro costs"),
        # Not what is meant.
        ("Credit card", "Credit card"),
        ("accredited", "accredited"),
    ],
)
def test_a_message_says_the_portals_word(said: str, wanted: str):
    assert put(said, said, BOT) == wanted


@pytest.mark.parametrize(
    ("message", "said", "wanted"),
    [
        ("New assistant", "Nieuwe assistent", "Nieuwe agent"),
        ("Assistants", "Assistenten", "Agents"),
        # German says both with one form; the English message tells which is meant.
        ("Test the assistant", "Den Assistenten testen", "Den Agent testen"),
        ("All assistants", "Alle Assistenten", "Alle Agents"),
        ("Credits", "Guthaben", "Guthaben"),
    ],
)
def test_translations_say_it_too(message: str, said: str, wanted: str):
    assert put(said, message, AGENTS) == wanted


def test_it_lasts_for_the_block_and_for_the_language():
    with translation.override("en"):
        with speaking(AGENTS):
            assert gettext("Assistants") == "Agents"
            assert translation.get_language() == "en"
            one = ngettext("%(n)d credit", "%(n)d credits", 1)
            many = ngettext("%(n)d credit", "%(n)d credits", 2)
            assert (one, many) == ("%(n)d minute", "%(n)d minutes")
        assert gettext("Assistants") == "Assistants"


@pytest.mark.parametrize(
    "word", ["<script>alert(1)</script>", "100%", "%(x)s", "{{ x }}", 'a"b', "a&b"]
)
def test_a_word_that_could_be_more_than_a_word_is_none(word: str):
    assert put("Assistants", "Assistants", Words(assistants=word)) == "Assistants"


@pytest.mark.parametrize("word", ["<b>", "100%", "a&b"])
def test_the_brand_page_refuses_such_a_word(acme: House, word: str):
    answer = save(acme, credits_word=word)
    assert answer.status_code == 422
    assert "Use letters, digits, spaces and hyphens" in answer.content.decode()
    assert Portal.objects.get(pk=acme.portal.pk).credits_word == ""


def call_them(house: House) -> None:
    for name in ("assistant", "assistants", "credit", "credits"):
        setattr(house.portal, f"{name}_word", getattr(AGENTS, name))
    house.portal.save()


@pytest.mark.parametrize(
    "name", ["dashboard", "assistant_list", "billing_statement", "member_list"]
)
def test_every_page_says_them(acme: House, globex: House, name: str):
    call_them(acme)
    said = browser(acme, acme.people["alice"]).get(reverse(name)).content.decode()
    other = browser(globex, globex.people["charlie"]).get(reverse(name))
    assert "Agents" in said
    assert ">Assistants<" not in said
    assert "Assistants" in other.content.decode()
    assert "Agents" not in other.content.decode()


def test_what_people_wrote_is_left_alone(acme: House):
    call_them(acme)
    acme.assistant.name = "My assistant for credits"
    with organization_scope(acme.organization):
        acme.assistant.save(update_fields=["name"])
    page = browser(acme, acme.people["alice"]).get(reverse("assistant_list"))
    assert "My assistant for credits" in page.content.decode()


def test_mails_and_papers_say_them(acme: House):
    call_them(acme)
    mail = render_mail(
        "credits_low",
        portal=acme.portal,
        language="en",
        context={
            "organization_name": "Bakery",
            "credits_left": "4",
            "threshold": "5",
            "url": "https://x.example/",
        },
    )
    assert "minutes" in mail.text
    assert "credit" not in mail.text.lower()


def test_programs_read_the_names_of_the_api(acme: House):
    call_them(acme)
    answer = browser(acme).get("/api/openapi.json").content.decode()
    assert "assistants" in answer
