"""Own keys over REST, in the reference's shapes."""

from __future__ import annotations

from tests.api.conftest import ApiClient
from tests.fakes.receiver import Receiver, Reply

KEY = "sk-live-abcdefgh1234"


def test_api_speaks_the_references_shapes(vendor: Receiver, bakery_api: ApiClient):
    empty = bakery_api.get("/byok").json()["byok_keys"]
    assert empty["openai_secret_id"] is None
    saved = bakery_api.post("/byok", {"provider": "openai", "api_key": KEY})
    assert saved.status_code == 200, saved.content
    assert saved.json()["success"] is True
    assert saved.json()["byok_keys"]["openai_secret_id"]
    assert KEY not in saved.content.decode()
    gone = bakery_api.send("DELETE", "/byok", {"provider": "openai"})
    assert gone.json() == {"success": True, **bakery_api.get("/byok").json()}
    assert bakery_api.get("/byok").json()["byok_keys"] == empty
    again = bakery_api.send("DELETE", "/byok", {"provider": "openai"})
    assert again.status_code == 404


def test_api_names_the_field_of_a_refusal(vendor: Receiver, bakery_api: ApiClient):
    vendor.replies = [Reply(401, b"{}")]
    for body, param in (
        ({"provider": "openai", "api_key": KEY}, "api_key"),
        ({"provider": "acme", "api_key": KEY}, "provider"),
        ({"provider": "azure", "api_key": KEY}, "config.region"),
        ({"provider": "openai"}, "api_key"),
    ):
        answer = bakery_api.post("/byok", body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == param


def test_settings_of_a_vendor_are_merged_and_need_a_key(
    vendor: Receiver, bakery_api: ApiClient
):
    body = {"provider": "azure", "config": {"region": "westeurope"}}
    refused = bakery_api.post("/byok/config", body)
    assert refused.json()["error"]["param"] == "provider"
    bakery_api.post("/byok", {**body, "api_key": KEY})
    changed = bakery_api.post(
        "/byok/config", {"provider": "azure", "config": {"region": "northeurope"}}
    )
    assert changed.json()["config"] == {"azure": {"region": "northeurope"}}
    assert bakery_api.get("/byok/config").json() == changed.json()


def test_key_does_not_follow_to_another_address(
    vendor: Receiver, bakery_api: ApiClient
):
    own = {"base_url": vendor.url.rstrip("/")}
    saved = bakery_api.post(
        "/byok", {"provider": "openai_compatible", "api_key": KEY, "config": own}
    )
    assert saved.status_code == 200, saved.content
    moved = bakery_api.post(
        "/byok/config",
        {
            "provider": "openai_compatible",
            "config": {"base_url": "https://evil.example"},
        },
    )
    assert moved.status_code == 400
    assert moved.json()["error"]["param"] == "config.base_url"
    assert len(vendor.received) == 1


def test_an_agency_shares_its_key_and_takes_it_back(
    vendor: Receiver, acme_api: ApiClient, bakery_api: ApiClient
):
    wanted = {"provider": "openai", "share_with_clients": True}
    assert acme_api.patch("/byok", wanted).status_code == 404
    acme_api.post("/byok", {"provider": "openai", "api_key": KEY})
    for is_shared, payer in ((True, "agency"), (False, None)):
        shared = acme_api.patch("/byok", {**wanted, "share_with_clients": is_shared})
        assert shared.status_code == 200, shared.content
        rows = {row["provider"]: row for row in bakery_api.get("/byok").json()["keys"]}
        assert rows["openai"]["used_key"] == payer
    assert bakery_api.patch("/byok", wanted).status_code == 403
    answer = acme_api.patch("/byok", wanted | {"provider": "nobody"})
    assert answer.json()["error"]["param"] == "provider"
