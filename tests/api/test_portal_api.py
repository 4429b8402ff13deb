"""The portal, its people and what is kept of calls, over REST."""

from __future__ import annotations

from assistants.models import ToolTemplate
from calls.models import VoiceNode
from portal.models import Portal, Role
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


def test_the_menu_the_language_and_what_keys_start_with(acme: House) -> None:
    key = owners_key(acme)
    menu = [
        {"label": "Help", "url": "https://help.example.com", "is_framed": True},
        {"label": "Shop", "url": "https://shop.example.com/a", "is_framed": False},
    ]
    change = {"menu_entries": menu, "language": "nl", "api_key_prefix": "acme"}
    changed = key.patch("/portal", change).json()["portal"]
    assert {name: changed[name] for name in change} == change
    [first, _second] = Portal.objects.get(slug="acme").menu_entries
    key.patch("/portal", {"menu_entries": menu[:1]})
    assert Portal.objects.get(slug="acme").menu_entries == [first]
    made = key.post("/api-keys", {"name": "CRM"}).json()
    assert made["key"].startswith("acme_live_")
    for wrong, param in (
        ({"menu_entries": [{"label": "", "url": "x"}]}, "menu_entries[0].label"),
        (
            {"menu_entries": [{"label": "A", "url": "http://a.example"}]},
            "menu_entries[0].url",
        ),
        ({"menu_entries": menu * 4}, "menu_entries"),
        ({"api_key_prefix": "Acme"}, "api_key_prefix"),
        ({"language": "fr"}, "language"),
    ):
        answer = key.patch("/portal", wrong)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_what_new_clients_get_copies_of(acme: House, globex: House) -> None:
    key = owners_key(acme)
    with organization_scope(acme.organization):
        tool = ToolTemplate.objects.create(
            organization=acme.organization, name="Order", tool_type="end_call"
        )
    wanted = {"assistants": [str(acme.assistant.pk)], "tools": [str(tool.pk)]}
    shown = {**wanted, "analyses": [], "campaigns": []}
    changed = key.patch("/portal", {"client_templates": wanted}).json()["portal"]
    assert changed["client_templates"] == shown
    assert key.patch("/portal", {"font": "serif"}).json()["portal"][
        "client_templates"
    ] == (shown)
    foreign = {"assistants": [str(globex.assistant.pk)]}
    answer = key.patch("/portal", {"client_templates": foreign})
    assert answer.json()["error"]["param"] == "client_templates.assistants"
    opened = key.post("/organizations", {"name": "Florist"}).json()
    florist = ApiClient(acme, opened["api_key"])
    names = [row["name"] for row in florist.get("/assistants").json()["assistants"]]
    assert names == ["Front desk"]
    path = f"/organizations/{opened['id']}/copies"
    assert key.post(path, {"tools": [str(tool.pk)]}).json() == {
        "assistants": 0,
        "tools": 1,
        "analyses": 0,
        "campaigns": 0,
    }
    refused = key.post(path, foreign)
    assert refused.json()["error"]["param"] == "assistants"
    tools = florist.get("/tool-templates").json()["tool_templates"]
    assert len(tools) == 2


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
