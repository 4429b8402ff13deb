"""Webhooks over REST: everything the pages do."""

from __future__ import annotations

from typing import Any

import pytest

from portal.scope import organization_scope
from portal.webhooks import record_event
from portal.webhooks.delivering import deliver_due
from tests.api.conftest import ApiClient
from tests.fakes.receiver import Receiver, Reply, receiving
from tests.world import House


@pytest.fixture
def receiver(settings: Any) -> Any:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.1/32"]
    with receiving() as receiver:
        yield receiver


def made(client: ApiClient, receiver: Receiver, **values: Any) -> dict[str, Any]:
    answer = client.post("/webhook-endpoints", {"url": receiver.url, **values})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_endpoint_lives_a_life(bakery_api: ApiClient, receiver: Receiver) -> None:
    whole = made(bakery_api, receiver, events=["lead.*"], description="CRM")
    assert whole["secret"].startswith("whsec_")
    address = f"/webhook-endpoints/{whole['webhook_endpoint']['id']}"
    shown = bakery_api.get(address).json()
    assert shown == {"webhook_endpoint": whole["webhook_endpoint"]}
    assert whole["secret"] not in bakery_api.get("/webhook-endpoints").text
    changed = bakery_api.patch(address, {"events": ["*"], "is_enabled": False}).json()
    assert changed["webhook_endpoint"]["events"] == ["*"]
    assert changed["webhook_endpoint"]["disabled_reason"] == "by-hand"
    rotated = bakery_api.post(f"{address}/rotate-secret").json()
    assert rotated["secret"] != whole["secret"]
    assert bakery_api.delete(address).json() == {"success": True}
    assert bakery_api.get(address).status_code == 404


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"url": "http://example.com"}, "url"),
        ({"url": "https://example.com", "events": ["calls"]}, "events[0]"),
        ({"events": ["*"]}, "url"),
    ],
)
def test_a_wrong_endpoint_is_not_made(
    bakery_api: ApiClient, values: dict[str, Any], param: str
) -> None:
    answer = bakery_api.post("/webhook-endpoints", values)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert bakery_api.get("/webhook-endpoints").json() == {"webhook_endpoints": []}


def test_what_was_sent_is_listed_and_sent_again(
    bakery: House, bakery_api: ApiClient, receiver: Receiver
) -> None:
    endpoint = made(bakery_api, receiver)["webhook_endpoint"]
    receiver.replies = [Reply(200, b"thanks")]
    for kind in ("credits.low", "lead.completed"):
        record_event(organization=bakery.organization, kind=kind, data={"n": 1})
    deliver_due()
    listed = bakery_api.get("/webhook-deliveries?kind=lead.*&status=delivered").json()
    (delivery,) = listed["deliveries"]
    whole = bakery_api.get(f"/webhook-deliveries/{delivery['id']}").json()["delivery"]
    assert whole["tries"][0]["response_body"] == "thanks"
    assert '"type":"lead.completed"' in whole["body"]
    replay = f"/webhook-endpoints/{endpoint['id']}/replay"
    assert bakery_api.post(replay, {"kind": "lead.*"}).json()["replayed"] == 1
    one = f"/webhook-deliveries/{delivery['id']}/replay"
    assert bakery_api.post(one).json() == {"success": True, "replayed": 1}
    assert bakery_api.post(replay, {"start_date": "2040-01-01"}).json()["replayed"] == 0
    deliver_due()
    assert len(receiver.received) == 4


def test_a_test_event_answers_how_it_went(
    bakery_api: ApiClient, receiver: Receiver
) -> None:
    receiver.replies = [Reply(500, b"no")]
    endpoint = made(bakery_api, receiver)["webhook_endpoint"]
    sent = bakery_api.post(
        f"/webhook-endpoints/{endpoint['id']}/test", {"kind": "end-of-call-report"}
    ).json()["delivery"]
    assert (sent["status_code"], sent["error"], sent["is_test"]) == (
        500,
        "HTTP 500",
        True,
    )


def test_another_organizations_endpoint_is_not_there(
    bakery_api: ApiClient, garage_api: ApiClient, receiver: Receiver
) -> None:
    endpoint = made(bakery_api, receiver)["webhook_endpoint"]
    address = f"/webhook-endpoints/{endpoint['id']}"
    for answer in (
        garage_api.get(address),
        garage_api.patch(address, {"description": "mine"}),
        garage_api.post(f"{address}/rotate-secret"),
        garage_api.delete(address),
    ):
        assert answer.status_code == 404


def test_an_assistants_own_endpoint_follows_its_settings(
    bakery: House, bakery_api: ApiClient
) -> None:
    address = f"/assistants/{bakery.assistant.pk}"

    def endpoints() -> list[dict[str, Any]]:
        return bakery_api.get("/webhook-endpoints").json()["webhook_endpoints"]

    saved = bakery_api.patch(
        address,
        {
            "webhook_url": "https://example.com/hook",
            "webhook_secret": "my own words",
            "webhook_events": ["status-update"],
        },
    ).json()["assistant"]
    assert saved["webhook_secret"] == "••••ords"
    assert "my own words" not in bakery_api.get("/assistants").text
    (endpoint,) = endpoints()
    assert endpoint["assistant_id"] == str(bakery.assistant.pk)
    assert endpoint["events"] == ["status-update"]
    # What was read may be sent back.
    bakery_api.patch(address, {"webhook_secret": saved["webhook_secret"]})
    assert endpoints()[0]["secret_hint"] == "ords"
    gone = bakery_api.patch(address, {"webhook_url": None}).json()["assistant"]
    assert gone["webhook_secret"] is None
    assert endpoints() == []


def test_an_assistant_with_a_private_webhook_is_not_saved(
    bakery: House, bakery_api: ApiClient
) -> None:
    address = f"/assistants/{bakery.assistant.pk}"
    answer = bakery_api.patch(address, {"webhook_url": "https://10.0.0.1/"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "webhook_url"
    assert bakery_api.get(address).json()["assistant"]["webhook_url"] is None
    with organization_scope(bakery.organization):
        assert bakery.assistant.versions.count() == 1
