"""SIP trunks over REST: both generations of fields, and a password that never comes out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from calls.models import PhoneNumber, Trunk
from portal.models import AuditRecord
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.world import House

PASSWORD = "tr0mbone-and-oboe"
NEWER = {
    "name": "Main trunk",
    "provider": "telnyx",
    "address": "sip.telnyx.eu:5061",
    "transport": "tls",
    "auth_username": "acme",
    "auth_password": PASSWORD,
}
OLDER_GUIDE = {
    "name": "Main trunk",
    "host": "sip.telnyx.eu",
    "port": 5061,
    "username": "acme",
    "password": PASSWORD,
}
CLIENT_1_0_1 = {
    "name": "Main trunk",
    "provider": "telnyx",
    "inbound_addresses": ["185.246.41.140", "185.246.41.0/24"],
    "outbound_address": "sip.telnyx.eu:5061",
    "outbound_number": "+31 20 123 4502",
    "auth_username": "acme",
    "auth_password": PASSWORD,
}


@pytest.mark.parametrize("body", [NEWER, OLDER_GUIDE, CLIENT_1_0_1])
def test_a_trunk_is_made_with_the_fields_of_any_generation(
    bakery: House, bakery_api: ApiClient, body: dict[str, Any]
) -> None:
    answer = bakery_api.post("/sip-trunks", body)
    assert answer.status_code == 201, answer.content
    made = answer.json()["trunk"]
    assert made["org_id"] == str(bakery.organization.pk)
    assert made["address"] == "sip.telnyx.eu:5061"
    assert (made["host"], made["port"]) == ("sip.telnyx.eu", 5061)
    assert made["auth_username"] == made["username"] == "acme"
    assert made["has_password"] is True
    assert (made["max_channels"], made["calls_per_second"]) == (10, 1)
    assert bakery_api.get(f"/sip-trunks/{made['id']}").json() == {"trunk": made}
    assert bakery_api.get("/sip-trunks").json() == {"trunks": [made]}


def test_what_the_published_client_sends_comes_back(bakery_api: ApiClient) -> None:
    made = bakery_api.post("/sip-trunks", CLIENT_1_0_1).json()["trunk"]
    assert made["inbound_addresses"] == ["185.246.41.140", "185.246.41.0/24"]
    assert made["outbound_number"] == "+31201234502"


def test_a_password_is_sealed_and_never_returned(
    bakery: House, bakery_api: ApiClient
) -> None:
    answer = bakery_api.post("/sip-trunks", NEWER)
    assert PASSWORD not in answer.content.decode()
    assert PASSWORD not in bakery_api.get("/sip-trunks").content.decode()
    with organization_scope(bakery.organization):
        trunk = Trunk.objects.get()
        assert trunk.auth_password == PASSWORD
        assert trunk.password_hint == "…oe"
        with connection.cursor() as cursor:
            cursor.execute("select auth_password from calls_trunk")
            assert PASSWORD not in cursor.fetchone()[0]
        assert PASSWORD not in str(list(AuditRecord.objects.values_list("changes")))


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"name": None}, "name", "invalid_request"),
        ({"name": ""}, "name", "invalid_request"),
        ({"address": None}, "address", "missing_field"),
        ({"address": "sip..example"}, "address", "invalid_request"),
        ({"address": "sip.example.com:0"}, "address", "invalid_request"),
        ({"port": 70_000}, "port", "invalid_request"),
        ({"port": -1}, "port", "invalid_request"),
        ({"transport": "sctp"}, "transport", "invalid_request"),
        ({"inbound_addresses": ["0.0.0.0/0"]}, "inbound_addresses", "invalid_request"),
        ({"inbound_addresses": "x"}, "inbound_addresses", "invalid_request"),
        ({"outbound_number": "12"}, "outbound_number", "invalid_request"),
        ({"max_channels": 0}, "max_channels", "invalid_request"),
        ({"calls_per_second": 0}, "calls_per_second", "invalid_request"),
        ({"carrier": "pigeon"}, "carrier", "invalid_request"),
        ({"colour": "red"}, "colour", "invalid_request"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    bakery: House,
    bakery_api: ApiClient,
    change: dict[str, Any],
    param: str,
    code: str,
) -> None:
    answer = bakery_api.post("/sip-trunks", NEWER | change)
    assert answer.status_code == 400, answer.content
    assert answer.json()["error"]["param"] == param
    assert answer.json()["error"]["code"] == code
    with organization_scope(bakery.organization):
        assert not Trunk.objects.exists()


@pytest.mark.parametrize("param", ["address", "host", "outbound_address"])
def test_an_address_that_is_closed_to_trunks_is_refused_by_the_setting_that_opens_it(
    bakery: House, bakery_api: ApiClient, param: str
) -> None:
    closed = {param: "10.0.0.5:5080"}
    made = bakery_api.post("/sip-trunks", NEWER).json()["trunk"]
    for answer in (
        bakery_api.post("/sip-trunks", NEWER | {"name": "Second"} | closed),
        bakery_api.patch(f"/sip-trunks/{made['id']}", closed),
    ):
        assert answer.status_code == 400, answer.content
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == (param, "invalid_request")
        assert "10.0.0.5" in error["message"]
        assert "SIP_ALLOWED_NETWORKS" in error["message"]
    with organization_scope(bakery.organization):
        assert Trunk.objects.get().address == "sip.telnyx.eu:5061"


def test_a_change_keeps_the_password_and_undoes_the_test(
    bakery: House, bakery_api: ApiClient
) -> None:
    made = bakery_api.post("/sip-trunks", NEWER).json()["trunk"]
    with organization_scope(bakery.organization):
        Trunk.objects.update(check_result={"is_ok": True, "steps": []})
    path = f"/sip-trunks/{made['id']}"
    renamed = bakery_api.patch(path, {"name": "Second", "max_channels": 30}).json()
    assert renamed["trunk"]["is_tested"] is True
    assert renamed["trunk"]["max_channels"] == 30
    moved = bakery_api.patch(path, {"address": "sip.telnyx.com"}).json()["trunk"]
    assert moved["is_tested"] is False
    assert (moved["host"], moved["port"]) == ("sip.telnyx.com", None)
    with organization_scope(bakery.organization):
        assert Trunk.objects.get().auth_password == PASSWORD


def test_a_trunk_that_numbers_use_stays(bakery: House, bakery_api: ApiClient) -> None:
    trunk = bakery_api.post("/sip-trunks", NEWER).json()["trunk"]
    number = bakery_api.patch(
        f"/numbers/{bakery.number.pk}",
        {"trunk_id": trunk["id"], "transfer_trunk_id": trunk["id"]},
    ).json()["number"]
    assert number["trunk_id"] == number["transfer_trunk_id"] == trunk["id"]
    assert number["transfer_trunk_name"] == "Main trunk"
    assert number["source"] == "sip"
    refused = bakery_api.delete(f"/sip-trunks/{trunk['id']}")
    assert refused.status_code == 409
    assert bakery.number.number in refused.json()["message"]
    bakery_api.patch(
        f"/numbers/{bakery.number.pk}", {"trunk_id": None, "transfer_trunk_id": None}
    )
    assert bakery_api.delete(f"/sip-trunks/{trunk['id']}").json() == {"success": True}
    assert bakery_api.get("/sip-trunks").json() == {"trunks": []}


def test_another_organizations_trunk_is_not_there(
    bakery_api: ApiClient, garage: House, garage_api: ApiClient
) -> None:
    theirs = garage_api.post("/sip-trunks", NEWER).json()["trunk"]
    path = f"/sip-trunks/{theirs['id']}"
    assert bakery_api.get(path).status_code == 404
    assert bakery_api.patch(path, {"name": "Mine"}).status_code == 404
    assert bakery_api.delete(path).status_code == 404
    taken = bakery_api.post(
        "/numbers", {"number": "+31201234999", "transfer_trunk_id": theirs["id"]}
    )
    assert taken.status_code == 400
    assert taken.json()["error"]["param"] == "transfer_trunk_id"
    with all_organizations("nothing changed"):
        assert Trunk.objects.get().name == "Main trunk"
        assert not PhoneNumber.objects.filter(number="+31201234999").exists()


DETAILS = {
    "codecs": ["PCMU", "opus"],
    "srtp": True,
    "domain": "acme.telnyx.eu",
    "register_expires_s": 300,
    "options_every_s": 0,
}


def test_the_details_of_a_trunk_are_kept_and_default_without_them(
    bakery_api: ApiClient,
) -> None:
    made = bakery_api.post("/sip-trunks", NEWER | DETAILS).json()["trunk"]
    assert {name: made[name] for name in DETAILS} == DETAILS
    plain = bakery_api.post("/sip-trunks", NEWER | {"name": "Plain"}).json()["trunk"]
    assert {name: plain[name] for name in DETAILS} == {
        "codecs": [],
        "srtp": False,
        "domain": None,
        "register_expires_s": 600,
        "options_every_s": 60,
    }


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"codecs": ["GSM"]}, "codecs"),
        ({"transport": "udp"}, "srtp"),
        ({"domain": "no domain"}, "domain"),
        ({"register_expires_s": 5}, "register_expires_s"),
        ({"options_every_s": 1}, "options_every_s"),
        ({"auth_username": "", "registration": True}, "auth_username"),
        ({"srtp": "yes"}, "srtp"),
    ],
)
def test_a_detail_that_cannot_be_is_named_and_changes_nothing(
    bakery: House, bakery_api: ApiClient, change: dict[str, Any], param: str
) -> None:
    made = bakery_api.post("/sip-trunks", NEWER | DETAILS).json()["trunk"]
    answer = bakery_api.patch(f"/sip-trunks/{made['id']}", change)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert bakery_api.get(f"/sip-trunks/{made['id']}").json()["trunk"] == made
    added = bakery_api.post("/sip-trunks", NEWER | DETAILS | change)
    assert (added.status_code, added.json()["error"]["param"]) == (400, param)


def test_a_connection_is_tested_once_at_a_time(
    bakery_api: ApiClient,
    garage_api: ApiClient,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "calls.tasks.check_trunk.delay", lambda trunk_id: asked.append(trunk_id)
    )
    trunk = bakery_api.post("/sip-trunks", NEWER).json()["trunk"]
    path = f"/sip-trunks/{trunk['id']}/check"
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            answer = bakery_api.post(path)
            assert answer.status_code == 202
            assert answer.json()["trunk"]["last_test"] == {"state": "running"}
    assert asked == [trunk["id"]]
    assert garage_api.post(path).status_code == 404
