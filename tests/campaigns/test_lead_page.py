"""A person of a campaign is corrected on their page."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Call, VoiceNode
from campaigns.dialing import dial_campaign
from campaigns.models import Lead, SuppressionEntry
from campaigns.services import cancel_campaign
from campaigns.suppressing import suppress_numbers
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


def test_who_is_being_called_can_be_neither_skipped_nor_next_and_it_says_why(
    bakery: House, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=1)
    with organization_scope(bakery.organization):
        dial_campaign(campaign_id=campaign.pk, organization=bakery.organization)
        lead, call = Lead.objects.get(), Call.objects.get()
    client = browser(bakery, bakery.people["dora"])
    page = client.get(reverse("lead_why", args=[campaign.pk, lead.pk])).content.decode()
    skip, first = (
        reverse(name, args=[campaign.pk, lead.pk])
        for name in ("lead_skip", "lead_requeue")
    )
    assert (skip in page, first in page) == (False, False)
    assert reverse("call_detail", args=[call.pk]) in page
    # As from a page that was open before the call began.
    refusal = "This person is being called right now. End the call on its page"
    assert refusal in client.post(skip, follow=True).content.decode()
    assert "being called right now." in client.post(first, follow=True).content.decode()
    with organization_scope(bakery.organization):
        assert Lead.objects.get().status == Lead.Status.CALLING


def test_who_is_called_next_goes_before_everybody_and_who_said_stop_does_not(
    bakery: House,
) -> None:
    campaign = make_campaign(bakery, leads=3, launched=False)
    with organization_scope(bakery.organization):
        lead, other = Lead.objects.order_by("-phone_number")[:2]
    client = browser(bakery, bakery.people["dora"])
    path = reverse("lead_requeue", args=[campaign.pk, lead.pk])
    page = client.post(path, follow=True).content.decode()
    assert "This person is the first once the campaign is launched." in page
    client.post(reverse("lead_skip", args=[campaign.pk, other.pk]))
    suppress_numbers(
        organization=bakery.organization,
        numbers=[other.phone_number],
        source=SuppressionEntry.Source.PORTAL,
        actor=None,
    )
    path = reverse("lead_requeue", args=[campaign.pk, other.pk])
    page = client.post(path, follow=True).content.decode()
    assert "on a list of numbers that are not called" in page
    with organization_scope(bakery.organization):
        assert list(Lead.objects.filter(is_priority=True)) == [lead]
        other.refresh_from_db()
        assert other.status == Lead.Status.SKIPPED
