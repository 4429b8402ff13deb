"""The pages of a portal speak Dutch and German wherever they have the words."""

from __future__ import annotations

from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from calls.models import VoiceNode
from config.management.commands.messages import catalogue_files
from portal.models import User
from tests.portal.objects import make_objects
from tests.world import House, browser

PAGES = (
    *("dashboard", "assistant_list", "assistant_new", "assistant_detail"),
    *("assistant_edit", "assistant_data", "assistant_price", "voice_list"),
    *("number_list", "number_detail", "trunk_list", "trunk_new", "trunk_detail"),
    *("call_list", "call_new", "call_detail", "campaign_list", "campaign_new"),
    *("campaign_detail", "billing_statement", "billing_buy", "billing_recharge"),
    *("usage", "member_list", "api_key_list", "webhook_list", "webhook_new"),
    *("privacy_edit", "provider_key_list", "suppression_list", "subject_find"),
    *("audit_list", "tool_template_list", "analysis_template_list"),
)
AGENCY_PAGES = (
    *("dashboard", "client_list", "cockpit", "client_new", "client_set_up"),
    *("brand_edit", "domain_list", "mail_edit", "selling_prices"),
    *("selling_packages", "selling_plans", "selling_coupons", "selling_stripe"),
)
# What the people of these tests wrote themselves.
THEIRS = {"Front desk"}
SPOKEN = ("aria-label", "title", "placeholder", "alt", "data-label")


class Texts(HTMLParser):
    """Collects what a page says, text by text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {str(value).strip() for name, value in attrs if name in SPOKEN}

    def handle_data(self, data: str) -> None:
        self.found.add(" ".join(data.split()))


def english(language: str) -> set[str]:
    """Return the English texts that have other words in a language."""
    [path] = [path for path in catalogue_files() if path.parts[-3] == language]
    with path.open("rb") as source:
        catalogue = read_po(source, locale=language)
    return {
        str(one.id)
        for one in catalogue
        if one.id and not one.pluralizable and one.string and one.string != one.id
    }


def untranslated(
    house: House, person: User, language: str, addresses: dict[str, str]
) -> dict[str, set[str]]:
    User.objects.update(language=language)
    client, known = browser(house, person), english(language) - THEIRS
    found = {}
    for name, address in addresses.items():
        answer = client.get(address)
        assert answer.status_code == 200, name
        page = answer.content.decode()
        assert f'<html lang="{language}"' in page, name
        texts = Texts()
        texts.feed(page)
        if left := {text for text in texts.found & known if " " in text}:
            found[name] = left
    return found


@pytest.mark.slow
@pytest.mark.parametrize("language", ["nl", "de"])
def test_a_clients_pages_say_nothing_in_english(
    bakery: House, node: VoiceNode, language: str
):
    objects = make_objects(bakery)
    arguments = {
        "assistant": {"assistant_id": objects["assistant_id"]},
        "number": {"number_id": objects["number_id"]},
        "trunk": {"trunk_id": objects["trunk_id"]},
        "call": {"call_id": objects["call_id"]},
        "campaign": {"campaign_id": objects["campaign_id"]},
    }
    addresses = {}
    for name in PAGES:
        subject, _, rest = name.partition("_")
        is_one = rest in ("detail", "edit", "data", "price") and subject in arguments
        addresses[name] = reverse(name, kwargs=arguments[subject] if is_one else None)
    dora = bakery.people["dora"]
    assert untranslated(bakery, dora, language, addresses) == {}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["nl", "de"])
def test_an_agencys_pages_say_nothing_in_english(
    acme: House, bakery: House, language: str
):
    addresses = {name: reverse(name) for name in AGENCY_PAGES}
    assert untranslated(acme, acme.people["alice"], language, addresses) == {}


@pytest.mark.parametrize(
    ("language", "balance", "day"),
    [
        ("en", "5,000.00", "N j, Y"),
        ("nl", "5.000,00", "j F Y"),
        ("de", "5.000,00", "j. F Y"),
    ],
)
def test_a_statement_has_amounts_and_dates_of_the_language(
    bakery: House, language: str, balance: str, day: str
):
    User.objects.update(language=language)
    page = browser(bakery, bakery.people["dora"]).get(reverse("billing_statement"))
    text = page.content.decode()
    assert balance in text
    today = timezone.localdate(timezone=ZoneInfo(bakery.organization.time_zone))
    with translation.override(language):
        assert date_format(today, day) in text
