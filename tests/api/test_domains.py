"""The sending domain over REST: both generations of names, DNS of ours, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.models import MailSender, Role, SendingDomain
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.api.conftest import ApiClient
from tests.fakes.dns_server import NameServer, name_server
from tests.fakes.resend_server import Resend, resend_server
from tests.world import House

NAME = "mail.acme.example"


@pytest.fixture
def owner(acme: House) -> ApiClient:
    with organization_scope(acme.organization):
        _row, text = issue_key(
            organization=acme.organization, name="Owner", actor=None, role=Role.OWNER
        )
    return ApiClient(acme, text)


@pytest.fixture
def zone(settings: Any) -> Iterator[NameServer]:
    with name_server() as server:
        settings.DNS_SERVERS = [server.address]
        yield server


@pytest.fixture
def resend(acme: House, settings: Any) -> Iterator[Resend]:
    with resend_server() as server:
        settings.RESEND_API_URL = server.url
        with organization_scope(acme.organization):
            MailSender.objects.create(
                organization=acme.organization,
                from_address="post@acme.example",
                transport=MailSender.Transport.RESEND,
                resend_key=server.key,
            )
        yield server


def kept(house: House) -> list[str]:
    with organization_scope(house.organization):
        return list(SendingDomain.objects.values_list("domain_name", flat=True))


@pytest.mark.parametrize("field", ["domain", "domain_name"])
def test_a_domain_is_added_under_either_name(
    acme: House, owner: ApiClient, field: str
) -> None:
    made = owner.post("/domains", {field: NAME})
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["domain"], row["domain_name"]) == (NAME, NAME)
    assert (row["status"], row["verified"]) == ("not_started", False)
    assert row["org_id"] == str(acme.organization.pk)
    assert [(one["record"], one["type"]) for one in row["records"]] == [
        ("SPF", "TXT"),
        ("SPF", "MX"),
        ("DKIM", "TXT"),
    ]
    assert "PRIVATE" not in made.content.decode()
    assert owner.get("/domains").json() == row


def test_it_is_verified_when_its_records_stand(
    owner: ApiClient, zone: NameServer
) -> None:
    records = owner.post("/domains", {"domain": NAME}).json()["records"]
    assert owner.post("/domains/verify").json()["verified"] is False
    for one in records:
        if one["type"] == "MX":
            zone.put(one["name"], "MX", f"{one['priority']} {one['value']}.")
        else:
            zone.put(
                one["name"], "TXT", f'"{one["value"][:200]}" "{one["value"][200:]}"'
            )
    found = owner.post("/domains/refresh").json()
    assert (found["verified"], found["status"]) == (True, "verified")
    assert {one["status"] for one in found["records"]} == {"verified"}
    assert owner.delete("/domains").json() == {"success": True}
    assert owner.get("/domains").status_code == 404


def test_there_is_one_at_a_time(acme: House, owner: ApiClient) -> None:
    owner.post("/domains", {"domain": NAME})
    second = owner.post("/domains", {"domain": "other.example"})
    assert second.status_code == 409
    error = second.json()["error"]
    assert (error["code"], error["param"]) == ("conflict", "domain")
    assert kept(acme) == [NAME]


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, None), ({"domain": "no dots"}, "domain"), ({"domian": NAME}, "domian")],
)
def test_a_bad_name_is_refused(
    acme: House, owner: ApiClient, body: Any, param: str | None
) -> None:
    answer = owner.post("/domains", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert kept(acme) == []


@pytest.mark.parametrize("field", ["domain_id", "resendDomainId"])
def test_a_domain_of_the_resend_account_is_taken_over(
    owner: ApiClient, resend: Resend, field: str
) -> None:
    resend.put(NAME)
    [theirs] = owner.get("/domains/sync").json()
    assert theirs["name"] == NAME
    taken = owner.post("/domains/sync", {field: theirs["id"]}).json()
    assert (taken["success"], taken["domain"]) == (True, NAME)
    assert taken["resend_domain_id"] == theirs["id"]
    assert owner.post("/domains/verify").json()["verified"] is True


def test_what_resend_refuses_is_told_in_its_words(
    acme: House, owner: ApiClient, resend: Resend
) -> None:
    answer = owner.post("/domains/sync", {"domain_id": "d-9"})
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "mail_provider",
        "message": "Resend says: Domain not found",
        "param": "domain_id",
        "type": "availability_error",
    }
    resend.key = "re_other"
    assert owner.get("/domains/sync").json()["error"]["code"] == "mail_provider"
    assert kept(acme) == []


def test_without_an_account_there_is_nothing_to_choose(owner: ApiClient) -> None:
    assert owner.get("/domains/sync").json() == []
    answer = owner.post("/domains/sync", {"domain_id": "d-1"})
    assert answer.status_code == 409
    assert "PATCH /mail-sender" in answer.json()["error"]["message"]


def test_only_an_agencys_owner_has_one(
    acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    for api in (acme_api, bakery_api):
        assert api.get("/domains").status_code == 403
        assert api.post("/domains", {"domain": NAME}).status_code == 403
