"""An agency limits what its clients call over REST, stops their calls, lets them go on."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from calls.models import Call, CallAlert, CallGuard, VoiceNode
from calls.services.web import start_web_call
from portal.models import AuditRecord
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.world import House

UNLIMITED = {
    "countries": [],
    "blocked_prefixes": [],
    "allows_premium": False,
    "max_credits_per_hour": None,
    "max_credits_per_day": None,
    "max_calls_on_first_day": None,
    "halt": None,
    "is_halted_above": False,
    "alerts": [],
}


def path(house: House, tail: str = "calling") -> str:
    return f"/organizations/{house.organization.pk}/{tail}"


def test_limits_are_read_changed_and_hold(
    bakery: House, node: VoiceNode, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    assert acme_api.get(path(bakery)).json() == {"calling": UNLIMITED}
    change = {"countries": ["NL", "BE", "NL"], "max_credits_per_hour": "12.5"}
    changed = acme_api.patch(path(bakery), change).json()["calling"]
    limits = {"countries": ["BE", "NL"], "max_credits_per_hour": "12.50"}
    assert changed == UNLIMITED | limits
    wanted = {"assistant_id": str(bakery.assistant.pk), "destination": "+4930123456"}
    refused = bakery_api.post("/calls/outbound", wanted)
    assert refused.json()["error"]["code"] == "destination_not_allowed"
    loose = acme_api.patch(path(bakery), {"max_credits_per_hour": None})
    assert loose.json()["calling"]["max_credits_per_hour"] is None
    assert loose.json()["calling"]["countries"] == ["BE", "NL"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"countries": ["NL", "XX"]}, "countries"),
        ({"blocked_prefixes": ["0900"]}, "blocked_prefixes[0]"),
        ({"max_credits_per_hour": "0"}, "max_credits_per_hour"),
        ({"max_credits_per_day": "lots"}, "max_credits_per_day"),
        ({"max_calls_on_first_day": -1}, "max_calls_on_first_day"),
        ({"weight": 1}, "weight"),
    ],
)
def test_nonsense_is_refused_by_its_field(
    bakery: House, acme_api: ApiClient, body: Any, param: str
) -> None:
    answer = acme_api.patch(path(bakery), body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    with organization_scope(bakery.organization):
        assert not CallGuard.objects.exists()


def test_calls_are_stopped_and_started(
    bakery: House, node: VoiceNode, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
    assert acme_api.post(path(bakery, "halt")).status_code == 400
    stopped = acme_api.post(path(bakery, "halt"), {"reason": "A stolen key."})
    assert stopped.status_code == 201
    assert stopped.json()["ending_calls"] == 1
    assert stopped.json()["calling"]["halt"]["reason"] == "A stolen key."
    start = {"assistant_id": str(bakery.assistant.pk)}
    refused = bakery_api.post("/web-calls", start)
    assert refused.json()["error"]["code"] == "calls_halted"
    lifted = acme_api.delete(path(bakery, "halt"))
    assert lifted.json()["calling"]["halt"] is None
    assert acme_api.delete(path(bakery, "halt")).status_code == 404
    assert bakery_api.post("/web-calls", start).status_code == 201
    with organization_scope(bakery.organization):
        assert Call.objects.get(pk=call.pk).stop_reason == "operator_hangup"
        record = AuditRecord.objects.get(action="calls.halted")
    assert record.changes["reason"] == "A stolen key."


def test_an_alert_is_shown_until_it_is_dismissed(
    bakery: House, acme_api: ApiClient
) -> None:
    now = timezone.now()
    with organization_scope(bakery.organization):
        row = CallAlert.objects.create(
            organization=bakery.organization,
            kind=CallAlert.Kind.ONE_CALLER,
            subject="+31612345678",
            count=40,
            first_seen_at=now,
            last_seen_at=now,
        )
    (alert,) = acme_api.get(path(bakery)).json()["calling"]["alerts"]
    assert (alert["kind"], alert["count"]) == ("one_caller", 40)
    assert "+31612345678" not in alert["sentence"]
    gone = acme_api.delete(path(bakery, f"alerts/{row.pk}"))
    assert gone.json()["calling"]["alerts"] == []
    assert acme_api.delete(path(bakery, f"alerts/{row.pk}")).status_code == 404


def test_only_its_own_agency_does_it(
    bakery: House, bakery_api: ApiClient, globex: House
) -> None:
    stranger = ApiClient(globex)
    for api, status in ((bakery_api, 403), (stranger, 404)):
        assert api.get(path(bakery)).status_code == status
        halt = api.post(path(bakery, "halt"), {"reason": "Not mine."})
        assert halt.status_code == status
    with organization_scope(bakery.organization):
        assert not AuditRecord.objects.filter(action="calls.halted").exists()
