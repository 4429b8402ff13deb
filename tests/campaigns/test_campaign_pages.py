"""The pages of campaigns: making one, watching it, its buttons, and who may."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistants.services import create_assistant
from calls.models import Call, VoiceNode
from calls.session.events import EndReason
from campaigns import dialing, tasks
from campaigns.models import Campaign, Lead
from campaigns.services import cancel_campaign
from common.windows import WEEKDAYS
from portal.scope import all_organizations, organization_scope
from tests.campaigns.builders import end_call, make_campaign, states
from tests.world import House, browser, desk_spec

pytestmark = pytest.mark.django_db

LIST = "phone;name;city\n0612345678;Jan;Delft\n+31201234501;Anna;Leiden\n"


@pytest.fixture
def dora(bakery: House) -> Client:
    return browser(bakery, bakery.people["dora"])


@pytest.fixture
def bob(bakery: House) -> Client:
    """A viewer."""
    return browser(bakery, bakery.people["bob"])


@pytest.fixture
def lena(garage: House) -> Client:
    """The owner of another organization."""
    return browser(garage, garage.people["lena"])


def answers(house: House, **changes: object) -> dict[str, object]:
    return {
        "name": "Spring",
        "assistant": str(house.assistant.pk),
        "number": str(house.number.pk),
        "max_concurrent_calls": "2",
        "max_attempts": "3",
        "retry_delay_minutes": "30",
        "system_message_template": "Greet {{name}} of {{city}}.",
        "leads": LIST,
        **changes,
    }


def all_campaigns() -> list[Campaign]:
    with all_organizations("looking at what was stored"):
        return list(Campaign.objects.all())


def all_leads() -> list[Lead]:
    with all_organizations("looking at what was stored"):
        return list(Lead.objects.all())


def test_a_campaign_is_made_from_a_pasted_list(bakery: House, dora: Client) -> None:
    response = dora.post(reverse("campaign_new"), answers(bakery))
    (campaign,) = all_campaigns()
    assert response.status_code == 302
    assert response.url == reverse("campaign_setup", args=[campaign.pk, "words"])
    assert campaign.status == Campaign.Status.DRAFT
    assert (campaign.max_concurrent_calls, campaign.max_attempts) == (2, 3)
    assert campaign.retry_delay_s == 1_800
    assert [(x.phone_number, x.name, x.variables) for x in all_leads()] == [
        ("+31612345678", "Jan", {"city": "Delft"}),
        ("+31201234501", "Anna", {"city": "Leiden"}),
    ]
    assert dora.get(response.url).status_code == 200


def test_a_campaign_is_made_from_a_file(bakery: House, dora: Client) -> None:
    file = SimpleUploadedFile("people.csv", LIST.encode("utf-16"))
    response = dora.post(reverse("campaign_new"), answers(bakery, leads="", file=file))
    assert response.status_code == 302
    assert len(all_leads()) == 2


def test_rows_that_cannot_be_called_are_shown_and_nothing_is_stored(
    bakery: House, dora: Client
) -> None:
    file = SimpleUploadedFile("people.csv", f"{LIST}nobody;Joe;Delft\n".encode())
    response = dora.post(reverse("campaign_new"), answers(bakery, leads="", file=file))
    page = response.content.decode()
    assert response.status_code == 422
    assert all_campaigns() == []
    assert "1 row cannot be called. Correct it, or leave it out." in page
    assert "This is not a telephone number." in page
    # The file's text stands in the field now: a browser would not send it again.
    assert "nobody;Joe;Delft" in page

    response = dora.post(
        reverse("campaign_new"),
        answers(bakery, leads=f"{LIST}nobody;Joe;Delft\n", leave_out="on"),
    )
    assert response.status_code == 302
    assert len(all_leads()) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "This field is required."),
        ({"max_concurrent_calls": "11"}, "less than or equal to 10|10 calls at once"),
        ({"max_attempts": "0"}, "greater than or equal to 1"),
        ({"assistant": "00000000-0000-0000-0000-000000000000"}, "valid choice"),
        ({"system_message_template": "Hi {{nick}}"}, r"no column {{nick}}"),
        ({"leads": "a\x00b"}, "Null characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(
    bakery: House, dora: Client, changes: dict[str, object], message: str
) -> None:
    response = dora.post(reverse("campaign_new"), answers(bakery, **changes))
    assert response.status_code == 422
    assert re.search(message, response.content.decode())
    assert all_campaigns() == []


def test_another_organizations_assistant_cannot_be_chosen(
    bakery: House, garage: House, dora: Client
) -> None:
    response = dora.post(
        reverse("campaign_new"),
        answers(bakery, assistant=str(garage.assistant.pk)),
    )
    assert response.status_code == 422
    assert all_campaigns() == []


def test_a_list_is_checked_while_it_is_written(bakery: House, dora: Client) -> None:
    text = f"{LIST}nobody;Joe;\n0612345678;Jan again;\n"
    response = dora.post(
        reverse("campaign_leads_check"),
        {
            "leads": f"{LIST}nobody;Joe;\n0612345678;Jan again;\n",
            "number": bakery.number.pk,
        },
    )
    page = response.content.decode()
    assert response.status_code == 200
    for text in ("2 people to call", "1 row cannot be called", "1 number stands there"):
        assert text in page
    assert all_campaigns() == []


def test_the_live_page_follows_the_campaign_to_its_end(
    bakery: House, dora: Client, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=2)
    live = reverse("campaign_live", args=[campaign.pk])
    page = dora.get(reverse("campaign_detail", args=[campaign.pk])).content.decode()
    seen = re.search(r"seen=(\w+)", page).group(1)
    assert 'hx-trigger="every 2s"' in page
    assert dora.get(live, {"seen": seen}).status_code == 204

    tasks.dial_campaign(
        campaign_id=str(campaign.pk), organization_id=str(campaign.organization_id)
    )
    response = dora.get(live, {"seen": seen})
    fragment = response.content.decode()
    assert response.status_code == 200
    assert "0 of 2 people done, 0 reached, 2 being called." in fragment
    assert fragment.count('id="announcer" hx-swap-oob="innerHTML"') == 1
    assert fragment.count('id="campaign-actions"') == 1
    with all_organizations("the calls are the bakery's"):
        calls = list(Call.objects.all())
    for call in calls:
        assert reverse("call_detail", args=[call.pk]) in fragment
        end_call(bakery, call.pk, EndReason.USER_HANGUP, answered=True)
    tasks.reconcile_attempts()
    response = dora.get(live, {"seen": seen})
    fragment = response.content.decode()
    assert response.status_code == 286
    assert "hx-trigger" not in fragment
    assert "2 of 2 people done, 2 reached, 0 being called." in fragment
    assert reverse("campaign_pause", args=[campaign.pk]) not in fragment


def test_why_calling_stopped_is_on_the_page(bakery: House, dora: Client) -> None:
    campaign = make_campaign(bakery)
    with all_organizations("the dialer found no credits"):
        Campaign.objects.update(
            status="paused", halt_reason=Campaign.HaltReason.NOT_ENOUGH_CREDITS
        )
    page = dora.get(reverse("campaign_detail", args=[campaign.pk])).content.decode()
    assert "There are not enough credits." in page
    assert reverse("campaign_resume", args=[campaign.pk]) in page


def test_leads_are_narrowed_by_state(bakery: House, dora: Client) -> None:
    campaign = make_campaign(bakery, leads=3)
    with all_organizations("one was reached"):
        reached = Lead.objects.first()
        Lead.objects.filter(pk=reached.pk).update(status="completed")
    page = dora.get(
        reverse("campaign_detail", args=[campaign.pk]), {"state": "reached"}
    ).content.decode()
    assert page.count('<tr id="lead-') == 1
    page = dora.get(
        reverse("campaign_detail", args=[campaign.pk]), {"state": "'nonsense"}
    ).content.decode()
    assert page.count('<tr id="lead-') == 3


BUTTONS = [
    ("campaign_launch", "draft", "scheduled"),
    ("campaign_pause", "scheduled", "paused"),
    ("campaign_resume", "paused", "scheduled"),
    ("campaign_cancel", "scheduled", "cancelled"),
]


@pytest.mark.parametrize(("button", "before", "after"), BUTTONS)
def test_each_button_makes_one_move(
    bakery: House, dora: Client, button: str, before: str, after: str
) -> None:
    campaign = make_campaign(bakery, launched=False)
    with all_organizations("a campaign in this state"):
        Campaign.objects.update(status=before)
    address = reverse(button, args=[campaign.pk])
    for _ in range(2):
        response = dora.post(address)
        assert response.status_code == 302
        assert all_campaigns()[0].status == after
    assert dora.get(address).status_code == 405


@pytest.mark.parametrize(("button", "before", "after"), BUTTONS)
def test_a_viewer_and_a_stranger_cannot_press_it(
    bakery: House, bob: Client, lena: Client, button: str, before: str, after: str
) -> None:
    campaign = make_campaign(bakery, launched=False)
    with all_organizations("a campaign in this state"):
        Campaign.objects.update(status=before)
    address = reverse(button, args=[campaign.pk])
    assert bob.post(address).status_code == 403
    assert lena.post(address).status_code == 404
    assert Client(SERVER_NAME=bakery.host).post(address).status_code == 302
    assert all_campaigns()[0].status == before


def test_a_viewer_watches_but_sees_no_buttons(bakery: House, bob: Client) -> None:
    campaign = make_campaign(bakery)
    page = bob.get(reverse("campaign_detail", args=[campaign.pk]))
    assert page.status_code == 200
    assert "campaign-pause" not in page.content.decode()
    assert bob.get(reverse("campaign_new")).status_code == 403
    assert bob.get(reverse("campaign_leads_add", args=[campaign.pk])).status_code == 403


@pytest.mark.parametrize(
    "name", ["campaign_detail", "campaign_live", "campaign_leads_add"]
)
def test_another_organizations_campaign_does_not_exist(
    bakery: House, lena: Client, name: str
) -> None:
    campaign = make_campaign(bakery)
    assert lena.get(reverse(name, args=[campaign.pk])).status_code == 404


def test_people_are_added_to_a_campaign_that_goes_on(
    bakery: House, dora: Client
) -> None:
    campaign = make_campaign(bakery, leads=1)
    address = reverse("campaign_leads_add", args=[campaign.pk])
    assert dora.get(address).status_code == 200
    response = dora.post(address, {"leads": "0612345678, Jan\n+31610000011"})
    assert response.status_code == 302
    assert [lead.phone_number for lead in all_leads()] == [
        "+31610000011",
        "+31612345678",
    ]
    assert dora.post(address, {"leads": ""}).status_code == 422
    assert len(all_leads()) == 2


def test_a_launch_with_nobody_to_call_says_so(bakery: House, dora: Client) -> None:
    campaign = make_campaign(bakery, leads=0, launched=False)
    response = dora.post(reverse("campaign_launch", args=[campaign.pk]), follow=True)
    assert "There is nobody to call. Add leads first." in response.content.decode()
    assert all_campaigns()[0].status == "draft"


@pytest.mark.parametrize("count", [1, 20])
def test_the_list_costs_the_same_for_one_and_for_many(
    bakery: House, dora: Client, django_assert_max_num_queries: object, count: int
) -> None:
    for number in range(count):
        make_campaign(bakery, leads=2, name=f"No. {number}", launched=False)
    dora.get(reverse("campaign_list"))
    with django_assert_max_num_queries(10):
        page = dora.get(reverse("campaign_list")).content.decode()
    assert page.count("/campaigns/0") == count


@pytest.mark.parametrize("count", [1, 20])
def test_the_page_costs_the_same_for_one_lead_and_for_many(
    bakery: House, dora: Client, django_assert_max_num_queries: object, count: int
) -> None:
    campaign = make_campaign(bakery, leads=count)
    with django_assert_max_num_queries(31):
        page = dora.get(reverse("campaign_detail", args=[campaign.pk]))
    assert page.content.decode().count('<tr id="lead-') == count


def test_with_nothing_yet_the_list_says_what_to_do(dora: Client, bob: Client) -> None:
    assert (
        reverse("campaign_new") in dora.get(reverse("campaign_list")).content.decode()
    )
    page = bob.get(reverse("campaign_list")).content.decode()
    assert reverse("campaign_new") not in page


def test_no_end_is_foretold_while_everybody_who_is_left_is_held(
    bakery: House, dora: Client, node: VoiceNode
) -> None:
    campaign = make_campaign(bakery, leads=3, max_concurrent_calls=1)
    asked = {
        "campaign_id": str(campaign.pk),
        "organization_id": str(campaign.organization_id),
    }
    tasks.dial_campaign(**asked)
    with organization_scope(bakery.organization):
        call = Call.objects.get()
    end_call(bakery, call.pk, EndReason.USER_HANGUP, answered=True)
    tasks.reconcile_attempts()
    url = reverse("campaign_detail", args=[campaign.pk])
    assert "Done at this pace" in dora.get(url).content.decode()
    with organization_scope(bakery.organization):
        Campaign.objects.update(number_daily_cap=1)
    tasks.dial_campaign(**asked)
    page = dora.get(url).content.decode()
    assert "Every number to call from has made its calls of the day." in page
    assert "Done at this pace" not in page


def test_the_page_says_when_everybody_sleeps(bakery: House, dora: Client) -> None:
    campaign = make_campaign(bakery, leads=2)
    closed: dict[str, list[list[str]]] = {name: [] for name in WEEKDAYS}
    there = timezone.now().astimezone(ZoneInfo("Europe/Amsterdam"))
    later = WEEKDAYS[(there.weekday() + 2) % 7]
    with organization_scope(bakery.organization):
        Campaign.objects.update(hours={**closed, later: [["10:00", "11:00"]]})
    page = dora.get(reverse("campaign_detail", args=[campaign.pk])).content.decode()
    assert "Nobody may be called right now" in page
    assert "2 people wait for hours in which they may be called" in page
    with organization_scope(bakery.organization):
        Campaign.objects.update(hours={})
    page = dora.get(reverse("campaign_detail", args=[campaign.pk])).content.decode()
    assert "Nobody may be called right now" not in page


def test_forms_of_a_campaign_that_ended_say_so_before_they_are_filled(
    bakery: House, dora: Client
) -> None:
    campaign = make_campaign(bakery, leads=1)
    with organization_scope(bakery.organization):
        cancel_campaign(campaign=campaign, actor=None)
        lead = Lead.objects.get()
    for name, args in (
        ("campaign_leads_add", [campaign.pk]),
        ("campaign_upload", [campaign.pk]),
        ("campaign_setup", [campaign.pk, "limits"]),
        ("lead_edit", [campaign.pk, lead.pk]),
    ):
        answer = dora.get(reverse(name, args=args), follow=True)
        assert "This campaign has ended" in answer.content.decode(), name
        assert answer.redirect_chain, name


def test_whatever_a_keyboard_may_be_on_is_found_again_after_a_swap(
    bakery: House, dora: Client, node: VoiceNode
) -> None:
    with organization_scope(bakery.organization):
        other = create_assistant(
            organization=bakery.organization, spec=desk_spec(name="Short"), actor=None
        )
    both = {"variant_assistant": other, "variant_percent": 50}
    campaign = make_campaign(bakery, leads=60, more=both)
    with organization_scope(bakery.organization):
        dialing.dial_campaign(campaign_id=campaign.pk, organization=bakery.organization)
    live = dora.get(reverse("campaign_live", args=[campaign.pk]), {"page": 2})
    page = live.content.decode()
    reachable = re.findall(r"<(?:a|button|select) [^>]*>|<[^>]* tabindex[^>]*>", page)
    assert len(reachable) > 40
    # htmx gives the focus back to the element of the same id.
    assert [one for one in reachable if not re.search(r'\sid="', one)] == []


def test_a_campaign_that_has_ended_is_copied_with_one_press(
    bakery: House, dora: Client
) -> None:
    campaign = make_campaign(bakery, leads=2)
    path = reverse("campaign_detail", args=[campaign.pk])
    assert "Copy campaign" not in dora.get(path).content.decode()
    with organization_scope(bakery.organization):
        cancel_campaign(campaign=campaign, actor=None)
    assert "Copy campaign" in dora.get(path).content.decode()
    answer = dora.post(reverse("campaign_copy", args=[campaign.pk]))
    made = next(one for one in all_campaigns() if one.made_from_id == campaign.pk)
    assert answer["Location"] == reverse("campaign_setup", args=[made.pk, "review"])
    with organization_scope(bakery.organization):
        assert states(made) == {"pending": 2}
