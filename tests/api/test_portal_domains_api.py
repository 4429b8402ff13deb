"""The domains a portal answers at, over REST."""

from __future__ import annotations

from typing import Any

import pytest

from portal.domains.checking import challenge_host
from portal.models import PortalDomain
from tests.api.conftest import ApiClient
from tests.api.test_portal_api import owners_key
from tests.fakes.dns_server import name_server
from tests.world import House

NAME = "calls.acme.example"


@pytest.fixture
def owner(acme: House) -> ApiClient:
    return owners_key(acme)


def test_a_domain_is_claimed_proven_and_given_up(
    acme: House, owner: ApiClient, settings: Any
) -> None:
    made = owner.post("/portal/domains", {"domain": NAME.title()})
    assert made.status_code == 201
    claim = made.json()["portal_domain"]
    assert (claim["domain"], claim["status"]) == (NAME, "pending_dns")
    assert claim["txt_host"] == challenge_host(NAME)
    one = f"/portal/domains/{claim['id']}"
    with name_server() as zone:
        settings.DNS_SERVERS = [zone.address]
        waiting = owner.post(f"{one}/check").json()["portal_domain"]
        assert waiting["problem"] == "The TXT record is not there yet."
        zone.put(claim["txt_host"], "TXT", f'"{claim["txt_value"]}"')
        proven = owner.post(f"{one}/check").json()["portal_domain"]
    assert (proven["status"], proven["verified_at"] is None) == ("verified", False)
    (listed,) = owner.get("/portal/domains").json()["portal_domains"]
    assert listed["id"] == claim["id"]
    assert owner.delete(one).json() == {"success": True}
    assert owner.delete(one).status_code == 404
    assert owner.get("/portal/domains").json()["portal_domains"] == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "no domain", ""])
def test_what_is_no_domain_is_refused(acme: House, owner: ApiClient, name: str) -> None:
    answer = owner.post("/portal/domains", {"domain": name})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "domain")
    assert not PortalDomain.objects.exists()


def test_a_sixth_domain_is_a_conflict(acme: House, owner: ApiClient) -> None:
    for number in range(5):
        owner.post("/portal/domains", {"domain": f"d{number}.acme.example"})
    sixth = owner.post("/portal/domains", {"domain": "d5.acme.example"})
    assert sixth.json()["error"]["code"] == "conflict"


def test_others_do_not_see_it(
    owner: ApiClient, bakery_api: ApiClient, globex: House
) -> None:
    claim = owner.post("/portal/domains", {"domain": NAME}).json()["portal_domain"]
    stranger = owners_key(globex)
    assert bakery_api.get("/portal/domains").status_code == 403
    assert stranger.get("/portal/domains").json()["portal_domains"] == []
    assert stranger.delete(f"/portal/domains/{claim['id']}").status_code == 404
    assert PortalDomain.objects.count() == 1
