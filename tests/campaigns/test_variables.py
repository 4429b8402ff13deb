"""The review says how many people lack a variable that the assistant says."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.importing import LeadRow
from campaigns.variables import count_missing, variables_of
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign
from tests.world import House, browser

pytestmark = pytest.mark.django_db
PEOPLE = [
    LeadRow("+31610000011", "Ann", {"city": "Delft", "order.no": "7"}),
    LeadRow("+31610000111", "", {"city": ""}),
    LeadRow("+31610000211", "Bob", {}),
]


def test_each_missing_value_is_counted(bakery: House) -> None:
    with organization_scope(bakery.organization):
        campaign = make_campaign(
            bakery,
            leads=PEOPLE,
            launched=False,
            system_message_template=(
                "Ask {{name}} of {{city}} about {{order.no}} and {{age}}. {{phone_number}}"
            ),
        )
        assert count_missing(campaign) == {
            "name": 1,
            "city": 2,
            "order.no": 2,
            "age": 3,
        }
    page = browser(bakery, bakery.people["dora"]).get(
        reverse("campaign_setup", args=[campaign.pk, "review"])
    )
    assert {row["name"] for row in page.context["missing"]} == {
        "name",
        "city",
        "order.no",
        "age",
    }


def test_words_without_variables_need_nothing(bakery: House) -> None:
    with organization_scope(bakery.organization):
        campaign = make_campaign(bakery, leads=PEOPLE, system_message_template="Hi.")
        assert variables_of(campaign) <= {"name", "phone_number"}
        assert count_missing(campaign) in ({}, {"name": 1})
        assert "x" in variables_of(campaign, "Say {{ x }}.")
