"""A person of a campaign is corrected on their page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from campaigns.models import Lead
from campaigns.services import cancel_campaign
from portal.scope import organization_scope
from tests.campaigns.builders import make_campaign
from tests.world import House, browser

pytestmark = pytest.mark.django_db


def test_name_place_consent_and_variables_are_changed(bakery: House) -> None:
    with organization_scope(bakery.organization):
        campaign = make_campaign(bakery, leads=1)
        lead = Lead.objects.select_related("locality").get()
    client = browser(bakery, bakery.people["dora"])
    path = reverse("lead_edit", args=[campaign.pk, lead.pk])
    assert (
        reverse("lead_edit", args=[campaign.pk, lead.pk])
        in client.get(reverse("lead_why", args=[campaign.pk, lead.pk])).content.decode()
    )
    form = client.get(path).context["form"]
    assert [field.label for field in form.variable_fields] == ["city"]
    body = {
        "name": "Ann",
        "time_zone": "Asia/Tokyo",
        "consent_basis": "written",
        "consent_proof": "form 12",
        "variable_0": "Tokyo",
    }
    wrong = client.post(path, body | {"time_zone": "Nowhere", "name": "x" * 200})
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (
        422,
        {"time_zone", "name"},
    )
    client.post(path, body)
    with organization_scope(bakery.organization):
        lead.refresh_from_db()
        assert lead.locality is not None
        assert lead.locality.value.zones == ("Asia/Tokyo",)
    assert (lead.name, lead.consent_basis, lead.consent_proof) == (
        "Ann",
        "written",
        "form 12",
    )
    assert lead.variables == {"city": "Tokyo"}
    client.post(path, body | {"time_zone": ""})
    with organization_scope(bakery.organization):
        lead.refresh_from_db()
        assert lead.locality is not None
        assert lead.locality.value.zones == ("Europe/Amsterdam",)


def test_a_person_of_an_ended_campaign_stays_as_they_are(bakery: House) -> None:
    with organization_scope(bakery.organization):
        campaign = make_campaign(bakery, leads=1)
        lead = Lead.objects.get()
        cancel_campaign(campaign=campaign, actor=None)
    client = browser(bakery, bakery.people["dora"])
    path = reverse("lead_edit", args=[campaign.pk, lead.pk])
    answer = client.post(path, {"name": "Ann", "variable_0": "x"}, follow=True)
    assert "has ended" in answer.content.decode()
    with organization_scope(bakery.organization):
        assert Lead.objects.get().name == lead.name
