"""The portal, its people and what is kept of calls, over REST."""

from __future__ import annotations

from calls.models import VoiceNode
from portal.models import Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from portal.services.privacy import policy_of
from tests.api.conftest import ApiClient
from tests.world import House, browser


def owners_key(house: House) -> ApiClient:
    with organization_scope(house.organization):
        _row, text = issue_key(
            organization=house.organization, name="Owner", actor=None, role=Role.OWNER
        )
    return ApiClient(house, text)


def test_an_owners_key_changes_the_brand(acme: House, acme_api: ApiClient) -> None:
    change = {"name": "Acme Voice", "accent_color": "#112233", "radius": "round"}
    assert acme_api.patch("/portal", change).status_code == 403
    changed = owners_key(acme).patch("/portal", change).json()["portal"]
    assert {name: changed[name] for name in change} == change
    assert acme_api.get("/portal").json()["portal"] == changed
    wrong = owners_key(acme).patch("/portal", {"accent_color": "red"})
    assert wrong.json()["error"]["param"] == "accent_color"
    wrong = owners_key(acme).patch("/portal", {"support_email": "nobody"})
    assert wrong.json()["error"]["param"] == "support_email"


def test_an_owners_key_switches_the_portal_off_and_on(
    acme: House, bakery: House, bakery_api: ApiClient, node: VoiceNode
) -> None:
    key = owners_key(acme)
    off = {"is_enabled": False, "disabled_notice": "Back at nine.", "sign_up": "closed"}
    changed = key.patch("/portal", off).json()["portal"]
    assert {name: changed[name] for name in off} == off
    call = {"assistant_id": str(bakery.assistant.pk)}
    assert bakery_api.post("/web-calls", call).status_code == 403
    assert "Back at nine." in browser(bakery).get("/").content.decode()
    assert key.patch("/portal", {"is_enabled": True}).status_code == 200
    assert bakery_api.post("/web-calls", call).status_code == 201
    records = key.get("/audit-records?action=portal.set_up").json()["audit_records"]
    assert [row["changes"].get("is_enabled") for row in records] == [
        [False, True],
        [True, False],
    ]


def test_a_client_has_no_portal(bakery_api: ApiClient) -> None:
    assert bakery_api.get("/portal").status_code == 403


def test_members_are_listed(bakery_api: ApiClient) -> None:
    found = bakery_api.get("/members").json()["members"]
    assert [(one["name"], one["role"]) for one in found] == [
        ("Dora", "owner"),
        ("Bob", "viewer"),
    ]


def test_how_long_calls_are_kept_is_both_or_neither(
    bakery: House, bakery_api: ApiClient
) -> None:
    both = {"content_retention_days": 30, "metadata_retention_days": 90}
    assert bakery_api.patch("/organizations", both).json() == {"success": True, **both}
    with organization_scope(bakery.organization):
        policy = policy_of(bakery.organization)
    assert (policy.content_days, policy.metadata_days) == (30, 90)
    for wrong, param in (
        ({"content_retention_days": 30}, "metadata_retention_days"),
        (both | {"content_retention_days": 31}, "content_retention_days"),
        (both | {"content_retention_days": 180}, "content_retention_days"),
    ):
        answer = bakery_api.patch("/organizations", wrong)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param


def test_the_account_is_the_organization_in_older_words(bakery_api: ApiClient) -> None:
    account = bakery_api.get("/account").json()
    assert account["company_name"] == "Bakery"
    assert account["active_numbers"] == 1


def test_versions_are_listed(bakery: House, bakery_api: ApiClient) -> None:
    address = f"/assistants/{bakery.assistant.pk}"
    bakery_api.patch(address, {"first_message": "Hi."})
    newest, first = bakery_api.get(f"{address}/versions").json()["versions"]
    assert (newest["version"], newest["is_current"]) == (2, True)
    assert first["settings"]["first_message"] == "Hello, how can I help you?"


def test_a_version_is_read_and_restored(bakery: House, bakery_api: ApiClient) -> None:
    address = f"/assistants/{bakery.assistant.pk}"
    bakery_api.patch(address, {"first_message": "Hi."})
    first = bakery_api.get(f"{address}/versions/1").json()["version"]
    assert first["settings"]["first_message"] == "Hello, how can I help you?"
    back = bakery_api.post(f"{address}/versions/1/restore").json()["assistant"]
    assert (back["version"], back["first_message"]) == (
        3,
        "Hello, how can I help you?",
    )
    for number in (9, 2**40):
        assert bakery_api.get(f"{address}/versions/{number}").status_code == 404
        path = f"{address}/versions/{number}/restore"
        assert bakery_api.post(path).status_code == 404


def test_browser_calls_also_start_at_their_older_address(
    bakery: House, bakery_api: ApiClient, node
) -> None:
    answer = bakery_api.post(
        "/api/../v1/web-calls", {"assistant_id": str(bakery.assistant.pk)}
    )
    assert answer.status_code == 404
    answer = bakery_api.client.post(
        "/v1/web-calls",
        {"assistant_id": str(bakery.assistant.pk)},
        content_type="application/json",
    )
    assert answer.status_code == 201
    assert {"token", "server_url", "call_id"} <= set(answer.json())
