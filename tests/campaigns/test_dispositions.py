"""Results that an analysis finds: kept with the attempt, shown, and followed by rules."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.urls import reverse
from django.utils import timezone

from assistants.analysis_plan import AnalysisPlan, StructuredDataPlan
from assistants.services import save_assistant
from calls.models import Call, CallAnalysis, Turn, VoiceNode
from calls.services.analysing import analyse
from calls.session.events import EndReason
from campaigns import dialing, reconciling, tasks
from campaigns.models import Attempt, Campaign, Lead
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import end_call, make_campaign
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db
PLAN = AnalysisPlan(
    structured_data_plan=StructuredDataPlan(
        schema={
            "type": "object",
            "properties": {
                "disposition": {"type": "string", "enum": ["sold", "call later"]},
                "visits": {"type": "integer"},
            },
        }
    ),
    min_messages_threshold=0,
)
LATER = {"disposition:call later": {"delays_seconds": [7_200], "max_times": 1}}


@pytest.fixture
def finding(in_bakery: House) -> House:
    """A bakery whose assistant's analysis finds a result."""
    save_assistant(
        assistant=in_bakery.assistant,
        spec=desk_spec(analysis_plan=PLAN),
        actor=None,
    )
    in_bakery.assistant.refresh_from_db()
    return in_bakery


def talk(campaign: Campaign, house: House, said: str) -> UUID:
    """Call the campaign's next person, who answers, says this and hangs up."""
    dialing.dial_campaign(campaign_id=campaign.pk, organization=campaign.organization)
    attempt = Attempt.objects.exclude(status="finished").get()
    Turn.objects.create(
        organization=campaign.organization,
        call_id=attempt.call_id,
        index=0,
        speaker="user",
        text=said,
        started_ms=0,
        ended_ms=900,
    )
    end_call(house, attempt.call_id, EndReason.USER_HANGUP, answered=True)
    tasks.finish_attempt(
        call_id=str(attempt.call_id), organization_id=str(campaign.organization_id)
    )
    return attempt.call_id


def look_at(call_id: UUID, campaign: Campaign) -> None:
    assert analyse(call_id=call_id)
    tasks.apply_disposition(
        call_id=str(call_id), organization_id=str(campaign.organization_id)
    )


def test_a_result_has_the_person_called_again_and_a_campaign_waits_for_it(
    finding: House, node: VoiceNode
) -> None:
    campaign = make_campaign(finding, leads=1, more={"retry_rules": LATER})
    first = talk(campaign, finding, "Please call later, we were there 3 times.")
    lead = Lead.objects.get()
    campaign.refresh_from_db()
    assert (lead.status, campaign.status) == ("completed", "scheduled")
    look_at(first, campaign)
    lead.refresh_from_db()
    assert (lead.status, lead.disposition) == ("pending", "call later")
    assert 7_100 < (lead.due_at - timezone.now()).total_seconds() <= 7_200
    Lead.objects.update(due_at=timezone.now())
    second = talk(campaign, finding, "I said call later!")
    look_at(second, campaign)
    lead.refresh_from_db()
    campaign.refresh_from_db()
    # The rule allows one: now somebody was spoken to, and that is that.
    assert (lead.status, lead.attempt_count) == ("completed", 2)
    assert campaign.status == "completed"
    assert [a.disposition for a in lead.attempts.all()] == ["call later"] * 2


def test_a_result_whose_message_was_lost_is_followed_once(
    finding: House, node: VoiceNode
) -> None:
    campaign = make_campaign(finding, leads=1, more={"retry_rules": LATER})
    call_id = talk(campaign, finding, "Call later.")
    assert analyse(call_id=call_id)
    with all_organizations("as the sweeper"):
        assert reconciling.apply_left_dispositions() == 1
        assert reconciling.apply_left_dispositions() == 0
    assert Lead.objects.get().status == "pending"


def test_without_a_rule_a_result_is_kept_and_nobody_is_called_again(
    finding: House, node: VoiceNode
) -> None:
    campaign = make_campaign(finding, leads=1)
    call_id = talk(campaign, finding, "You have sold it to me.")
    campaign.refresh_from_db()
    assert campaign.status == "completed"
    look_at(call_id, campaign)
    lead = Lead.objects.get()
    assert (lead.status, lead.disposition) == ("completed", "sold")


def test_only_what_was_chosen_beforehand_becomes_a_result(
    in_bakery: House, node: VoiceNode
) -> None:
    free: Any = {"disposition": {"type": "string"}, "visits": {"type": "integer"}}
    plan = AnalysisPlan(
        structured_data_plan=StructuredDataPlan(
            schema={"type": "object", "properties": free}
        ),
        min_messages_threshold=0,
    )
    assert plan.dispositions == ()
    assert PLAN.dispositions == ("sold", "call later")
    save_assistant(
        assistant=in_bakery.assistant, spec=desk_spec(analysis_plan=plan), actor=None
    )
    in_bakery.assistant.refresh_from_db()
    campaign = make_campaign(in_bakery, leads=1)
    look_at(talk(campaign, in_bakery, "My secret is sold."), campaign)
    assert Call.objects.get().disposition == ""


def test_findings_stand_beside_each_person_on_the_live_page(
    finding: House, node: VoiceNode
) -> None:
    campaign = make_campaign(finding, leads=2)
    Lead.objects.filter(name="Lead 1").update(status="skipped")
    look_at(talk(campaign, finding, "It is sold, after 3 visits."), campaign)
    assert CallAnalysis.objects.get().data == {"disposition": "sold", "visits": 3}
    client = browser(finding, finding.people["bob"])
    page = client.get(reverse("campaign_detail", args=[campaign.pk]))
    assert page.context["facts"] == ["visits"]
    lines = {row.lead.name: row for row in page.context["rows"]}
    assert lines["Lead 0"].values == ["3"]
    assert lines["Lead 1"].values == [""]
    text = page.content.decode()
    assert '<td data-label="Result">sold</td>' in text
    assert '<span class="text_mono">visits</span>' in text


def test_rules_by_result_are_set_in_the_form_and_others_stay(finding: House) -> None:
    kept = {"answered": {"delays_seconds": [60], "max_times": 1, "shift_minutes": 0}}
    campaign = make_campaign(
        finding, leads=1, launched=False, more={"retry_rules": kept | LATER}
    )
    client = browser(finding, finding.people["dora"])
    path = reverse("campaign_setup", args=[campaign.pk, "retries"])
    form = client.get(path).context["form"]
    assert [label for label, _parts in form.result_rows] == ["sold", "call later"]
    assert form["result1_delays"].value() == "120"
    sent = {"max_attempts": 3, "retry_delay_minutes": 60, "dropped_below_s": 0}
    bad = client.post(path, {**sent, "result1_delays": "soon"})
    assert bad.status_code == 422
    assert "result1_delays" in bad.context["form"].errors
    client.post(path, {**sent, "result1_delays": "30, 90", "result1_shift": "4"})
    with organization_scope(finding.organization):
        campaign.refresh_from_db()
    assert campaign.retry_rules == kept | {
        "disposition:call later": {
            "delays_seconds": [1_800, 5_400],
            "max_times": None,
            "shift_minutes": 240,
        }
    }
