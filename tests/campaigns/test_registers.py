"""External registers are asked before anybody is called, whosever they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from calls.models import Call, VoiceNode
from campaigns import asking, dialing
from campaigns.explaining import explain_lead
from campaigns.models import Campaign, Decision, Lead, Register, RegisterAnswer
from campaigns.reviewing import review_campaign
from campaigns.services.registers import (
    NewRegister,
    add_register,
    change_register,
    remove_register,
)
from portal.models import Organization
from portal.scope import all_organizations, organization_scope
from portal.sealed import is_sealed
from tests.campaigns.builders import make_campaign, rows, states
from tests.fakes.register_server import RegisterServer
from tests.fakes.threaded import served_in_a_thread
from tests.world import House, browser

pytestmark = pytest.mark.django_db
FIRST, SECOND = (row.phone_number for row in rows(2))


@pytest.fixture
def server(settings: Any) -> Iterator[RegisterServer]:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with served_in_a_thread(RegisterServer(listed={FIRST}, secret="s3cret")) as server:
        yield server


def enter(
    organization: Organization | None, server: RegisterServer, **values: Any
) -> Register:
    new = NewRegister(
        **{"name": "TPS", "url": f"{server.url}/check", "secret": "s3cret", **values}
    )
    with all_organizations("a test enters registers of every level"):
        return add_register(organization=organization, new=new, actor=None)


def dial(campaign: Campaign) -> int:
    return dialing.dial_campaign(
        campaign_id=campaign.pk, organization=campaign.organization
    )


@pytest.mark.parametrize("level", ["client", "agency", "operator"])
def test_who_is_listed_is_not_called_and_the_record_says_whose_register_it_was(
    acme: House,
    in_bakery: House,
    node: VoiceNode,
    server: RegisterServer,
    level: str,
) -> None:
    owners = {"client": in_bakery.organization, "agency": acme.organization}
    enter(owners.get(level), server)
    campaign = make_campaign(in_bakery, leads=2)
    assert dial(campaign) == 1
    assert server.asked == [[FIRST, SECOND]]
    assert states(campaign) == {"skipped": 1, "calling": 1}
    lead = Lead.objects.get(phone_number=FIRST)
    assert lead.skip_reason == "registered"
    refused, dialed = Decision.objects.order_by("answer")[::-1]
    (check,) = [one for one in refused.checks if one["check"] == "registers"]
    assert not check["ok"]
    assert check["found"]["answer"] == "listed"
    assert [(one["name"], one["level"]) for one in check["found"]["asked"]] == [
        ("TPS", level)
    ]
    (check,) = [one for one in dialed.checks if one["check"] == "registers"]
    assert check["ok"]
    assert check["found"]["asked"][0]["level"] == level


def test_an_agencys_register_holds_for_its_clients_alone(
    acme: House, garage: House, node: VoiceNode, server: RegisterServer
) -> None:
    enter(acme.organization, server)
    with organization_scope(garage.organization):
        campaign = make_campaign(garage, leads=2)
        assert dial(campaign) == 2
    assert server.asked == []


def test_a_client_sees_neither_registers_above_it_nor_their_answers(
    acme: House, in_bakery: House, server: RegisterServer
) -> None:
    enter(acme.organization, server)
    enter(None, server)
    campaign = make_campaign(in_bakery, leads=2, launched=False)
    assert not asking.ask_about_campaign(campaign_id=campaign.pk)
    assert (Register.objects.count(), RegisterAnswer.objects.count()) == (0, 0)
    with all_organizations("a test looks at all of them"):
        assert RegisterAnswer.objects.count() == 4


def test_the_review_counts_who_is_listed_and_who_was_not_asked_about_yet(
    in_bakery: House, server: RegisterServer
) -> None:
    enter(in_bakery.organization, server)
    campaign = make_campaign(in_bakery, leads=3, launched=False)
    before = review_campaign(campaign)
    assert (before.unasked, before.to_call) == (3, 3)
    assert not asking.ask_about_campaign(campaign_id=campaign.pk)
    after = review_campaign(campaign)
    assert (after.unasked, after.to_call) == (0, 2)
    assert after.skipped == {"registered": 1}
    assert server.asked == [[row.phone_number for row in rows(3)]]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"status": 503}, "status 503"),
        ({"secret": "other"}, "status 401"),
        ({"body": b"<html>"}, "listed"),
        ({"body": b'{"listed": "all"}'}, "of numbers"),
        ({"body": b'{"listed": ["0612345678"]}'}, "was not asked for"),
        ({"body": b"[]"}, "listed"),
    ],
)
def test_while_a_register_cannot_be_used_nobody_is_called(
    in_bakery: House,
    node: VoiceNode,
    server: RegisterServer,
    fault: dict[str, Any],
    says: str,
) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    enter(in_bakery.organization, server)
    campaign = make_campaign(in_bakery, leads=2)
    assert dial(campaign) == 0
    assert dial(campaign) == 0  # it is not asked again at once
    register = Register.objects.get()
    assert says in register.fault
    assert register.failures == 1
    assert states(campaign) == {"pending": 2}
    # A campaign that waits for it writes no record for each of its people.
    assert Decision.objects.count() == 0
    why = explain_lead(Lead.objects.filter(campaign=campaign)[0])
    assert (why.answer, why.reason, why.until) == (
        "held",
        "register_silent",
        register.retry_at,
    )


def test_calling_goes_on_once_the_register_answers_again(
    in_bakery: House, node: VoiceNode, server: RegisterServer
) -> None:
    server.status = 503
    enter(in_bakery.organization, server)
    campaign = make_campaign(in_bakery, leads=2)
    assert dial(campaign) == 0
    server.status = 200
    Register.objects.update(retry_at=timezone.now())
    assert dial(campaign) == 1
    register = Register.objects.get()
    assert (register.fault, register.failures, register.retry_at) == ("", 0, None)


def test_an_answer_holds_for_its_time_and_is_then_asked_for_again(
    in_bakery: House, node: VoiceNode, server: RegisterServer
) -> None:
    enter(in_bakery.organization, server, fresh_for_h=2)
    campaign = make_campaign(in_bakery, leads=2, launched=False)
    for later_h, asked in ((0, 1), (1, 1), (3, 2)):
        with time_machine.travel(timezone.now() + timedelta(hours=later_h)):
            asking.ask_about_campaign(campaign_id=campaign.pk)
        assert len(server.asked) == asked
    with time_machine.travel(timezone.now() + timedelta(days=40)):
        assert asking.forget_old_answers() == 2


def test_only_numbers_of_its_countries_are_asked_about(
    in_bakery: House, node: VoiceNode, server: RegisterServer
) -> None:
    enter(in_bakery.organization, server, countries=["GB"])
    campaign = make_campaign(in_bakery, leads=2)
    server.status = 503
    assert dial(campaign) == 2  # its silence holds back nobody else
    assert server.asked == []
    assert Call.objects.count() == 2


def test_at_another_address_everybody_is_asked_about_again(
    in_bakery: House, server: RegisterServer
) -> None:
    register = enter(in_bakery.organization, server)
    campaign = make_campaign(in_bakery, leads=2, launched=False)
    asking.ask_about_campaign(campaign_id=campaign.pk)
    change_register(register=register, changes={"fresh_for_h": 4}, actor=None)
    assert RegisterAnswer.objects.count() == 2
    url = f"{server.url}/check?new"
    change_register(register=register, changes={"url": url}, actor=None)
    assert RegisterAnswer.objects.count() == 0
    assert is_sealed(Register.objects.get(), "secret")
    assert Register.objects.get().secret == "s3cret"
    remove_register(register=register, actor=None)
    assert not Register.objects.exists()


def test_the_tick_sends_for_campaigns_that_registers_hold_for(
    acme: House, bakery: House, garage: House, server: RegisterServer
) -> None:
    assert asking.campaigns_to_ask_about() == []
    enter(acme.organization, server)
    ours = make_campaign(bakery, launched=False)
    theirs = make_campaign(garage, launched=False)
    assert [pk for pk, _owner in asking.campaigns_to_ask_about()] == [ours.pk]
    enter(None, server)
    assert {pk for pk, _owner in asking.campaigns_to_ask_about()} == {
        ours.pk,
        theirs.pk,
    }


def test_a_register_is_entered_tried_changed_and_removed_on_its_pages(
    bakery: House, garage: House, server: RegisterServer
) -> None:
    owner = browser(bakery, bakery.people["dora"])
    wrong = owner.post(
        reverse("register_new"),
        {"name": "TPS", "url": "ftp://x", "countries": "GB, XX", "fresh_for_h": "0"},
    )
    assert wrong.status_code == 422
    assert set(wrong.context["form"].errors) == {"url", "countries", "fresh_for_h"}
    body = {
        "name": "TPS",
        "url": f"{server.url}/check",
        "secret": "s3cret",
        "countries": "nl gb",
        "fresh_for_h": "24",
    }
    made = owner.post(reverse("register_new"), body)
    with organization_scope(bakery.organization):
        register = Register.objects.get()
    assert made["Location"] == reverse("register_detail", args=[register.pk])
    assert register.countries == ["GB", "NL"]
    assert owner.post(reverse("register_new"), body).context["form"].errors["name"]
    page = owner.get(made["Location"]).content.decode()
    assert "s3cret" not in page
    tried = reverse("register_try", args=[register.pk])
    told = owner.post(tried, {"phone_number": FIRST}, follow=True).content.decode()
    assert f"{FIRST} is listed" in told
    server.status = 500
    told = owner.post(tried, {"phone_number": FIRST}, follow=True).content.decode()
    assert "status 500" in told
    owner.post(made["Location"], body | {"name": "TPS 2", "secret": ""})
    with organization_scope(bakery.organization):
        register.refresh_from_db()
        assert (register.name, register.secret) == ("TPS 2", "s3cret")
    assert "TPS 2" in owner.get(reverse("suppression_list")).content.decode()
    other = browser(garage, next(iter(garage.people.values())))
    assert other.get(made["Location"]).status_code == 404
    owner.post(reverse("register_remove", args=[register.pk]))
    with organization_scope(bakery.organization):
        assert not Register.objects.exists()
