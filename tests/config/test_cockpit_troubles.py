"""The cockpit names what does not work, for the agency and each client, and compares."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from calls.models import Call, VoiceNode
from calls.services.web import start_web_call
from portal.models import APIKey, MailSender, PortalDomain, WebhookEndpoint
from portal.scope import all_organizations, organization_scope
from portal.services.api_keys import issue_key
from portal.webhooks.endpoints import create_endpoint
from tests.world import House, browser


def cockpit(house: House, days: int = 30) -> str:
    [person] = [user for name, user in house.people.items() if name != "bob"]
    answer = browser(house, person).get(reverse("cockpit"), {"days": days})
    assert answer.status_code == 200
    return answer.content.decode()


def break_things(acme: House, bakery: House) -> None:
    now = timezone.now()
    PortalDomain.objects.create(
        portal=acme.portal,
        name="calls.acme.example",
        status="broken",
        check_due_at=now,
    )
    with organization_scope(acme.organization):
        MailSender.objects.create(
            organization=acme.organization,
            failing_since=now,
            last_error="535 Wrong password",
        )
    with organization_scope(bakery.organization):
        endpoint, _secret = create_endpoint(
            organization=bakery.organization,
            url="https://crm.bakery.example/hook",
            events=["*"],
            actor=None,
        )
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
        key, _text = issue_key(
            organization=bakery.organization, name="Nightly", actor=None
        )
        APIKey.objects.filter(pk=key.pk).update(expires_at=now + timedelta(days=3))


def test_nothing_is_named_while_everything_works(acme: House, bakery: House):
    assert "Needs a hand" not in cockpit(acme)


def test_what_fails_is_named_with_its_client(acme: House, bakery: House, globex: House):
    with all_organizations("the test breaks things"):
        break_things(acme, bakery)
    html = cockpit(acme)
    named = html.partition("Needs a hand")[2]
    for text in (
        "calls.acme.example",
        "535 Wrong password",
        "https://crm.bakery.example/hook",
        "Nightly",
        "Bakery",
    ):
        assert text in named
    other = cockpit(globex)
    assert "Needs a hand" not in other
    assert "acme.example" not in other


@pytest.mark.parametrize(("days", "change"), [(7, "+100 %"), (30, "")])
def test_a_period_is_compared_with_the_one_before(
    acme: House, bakery: House, node: VoiceNode, days: int, change: str
):
    with organization_scope(bakery.organization):
        calls = [
            start_web_call(
                organization=bakery.organization,
                assistant=bakery.assistant,
                actor=None,
            ).call
            for _number in range(3)
        ]
        Call.objects.filter(pk=calls[0].pk).update(
            created_at=timezone.now() - timedelta(days=8)
        )
    html = cockpit(acme, days)
    assert ("+100 %" in html) is bool(change)
