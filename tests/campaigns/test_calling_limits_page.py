"""Caps for a person and for lines, over all campaigns, set on their page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.services.finish import Outcome, finish_call
from calls.services.retention import forget_private_calls
from calls.session.events import EndReason
from campaigns import dialing
from campaigns.models import CallingLimits, Decision
from portal.models import AuditRecord
from portal.scope import Scope, organization_scope
from tests.campaigns.builders import make_campaign
from tests.world import House, browser

pytestmark = pytest.mark.django_db
SENT = {"person_max_a_day": 1, "person_gap_minutes": 0, "reserved_percent": 0}


def test_a_cap_that_is_set_holds_for_the_next_call_of_every_campaign(
    bakery: House, node: VoiceNode
) -> None:
    client = browser(bakery, bakery.people["dora"])
    answer = client.post(reverse("calling_limits_save"), SENT)
    assert answer.status_code == 302
    first = make_campaign(bakery, leads=1)
    second = make_campaign(bakery, leads=1, name="Same person")
    with organization_scope(bakery.organization):
        for campaign in (first, second):
            dialing.dial_campaign(
                campaign_id=campaign.pk, organization=campaign.organization
            )
        assert Call.objects.count() == 1
        held = Decision.objects.get(campaign=second)
        assert (held.answer, held.reason) == ("held", "daily_cap")
        record = AuditRecord.objects.get(action="calling_limits.changed")
    assert record.changes == {"person_max_a_day": 1, "reserved_percent": 0}


def test_a_cap_counts_calls_that_forgot_whom_they_called(
    bakery: House, node: VoiceNode
) -> None:
    first = make_campaign(bakery, leads=1)
    second = make_campaign(bakery, leads=1, name="Same person")
    with organization_scope(bakery.organization):
        CallingLimits.objects.create(
            organization=bakery.organization, person_max_a_day=1
        )
        dialing.dial_campaign(campaign_id=first.pk, organization=first.organization)
        call = Call.objects.get()
        finish_call(
            call_id=call.pk,
            scope=Scope(call.agency_id, call.organization_id),
            outcome=Outcome(EndReason.USER_HANGUP, duration_ms=0),
        )
        Call.objects.update(keeps_content=False)
        assert forget_private_calls(timezone.now() + timedelta(hours=1)) == 1
        assert Call.objects.get().callee_number.startswith("#")
        dialing.dial_campaign(campaign_id=second.pk, organization=second.organization)
        held = Decision.objects.get(campaign=second)
    assert (held.answer, held.reason) == ("held", "daily_cap")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"person_max_a_day": 101}, "person_max_a_day"),
        ({"person_gap_minutes": ""}, "person_gap_minutes"),
        ({"reserved_percent": 91}, "reserved_percent"),
    ],
)
def test_a_limit_that_makes_no_sense_is_named_and_nothing_is_stored(
    bakery: House, values: dict[str, object], field: str
) -> None:
    client = browser(bakery, bakery.people["dora"])
    answer = client.post(reverse("calling_limits_save"), SENT | values)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    with organization_scope(bakery.organization):
        assert not CallingLimits.objects.exists()


def test_a_viewer_sees_the_limits_and_cannot_change_them(bakery: House) -> None:
    client = browser(bakery, bakery.people["bob"])
    page = client.get(reverse("calling_limits"))
    assert "disabled" in page.content.decode()
    assert "Save limits" not in page.content.decode()
    assert client.post(reverse("calling_limits_save"), SENT).status_code == 403


def test_only_an_agency_limits_the_calls_of_its_clients(
    acme: House, bakery: House
) -> None:
    theirs = browser(bakery, bakery.people["dora"])
    theirs.post(reverse("calling_limits_save"), SENT | {"max_calls_of_clients": 900})
    client = browser(acme, acme.people["alice"])
    client.post(reverse("calling_limits_save"), SENT | {"max_calls_of_clients": 40})
    with organization_scope(bakery.organization):
        assert CallingLimits.objects.get().max_calls_of_clients is None
    with organization_scope(acme.organization):
        assert CallingLimits.objects.get().max_calls_of_clients == 40
