"""The domains a portal answers at, over REST."""

from __future__ import annotations

from typing import Any

import pytest

from portal.domains.checking import challenge_host
from portal.models import PortalDomain
from tests.api.conftest import ApiClient
from tests.fakes.dns_server import name_server
from tests.world import House

NAME = "calls.acme.example"


def test_a_domain_is_claimed_proven_and_given_up(
    acme: House, acme_api: ApiClient, settings: Any
) -> None:
    made = acme_api.post("/portal/domains", {"domain": NAME.title()})
    assert made.status_code == 201
    claim = made.json()["portal_domain"]
    assert (claim["domain"], claim["status"]) == (NAME, "pending_dns")
    assert claim["txt_host"] == challenge_host(NAME)
    one = f"/portal/domains/{claim['id']}"
    with name_server() as zone:
        settings.DNS_SERVERS = [zone.address]
        waiting = acme_api.post(f"{one}/check").json()["portal_domain"]
        assert waiting["problem"] == "The TXT record is not there yet."
        zone.put(claim["txt_host"], "TXT", f'"{claim["txt_value"]}"')
        proven = acme_api.post(f"{one}/check").json()["portal_domain"]
    assert (proven["status"], proven["verified_at"] is None) == ("verified", False)
    (listed,) = acme_api.get("/portal/domains").json()["portal_domains"]
    assert listed["id"] == claim["id"]
    assert acme_api.delete(one).json() == {"success": True}
    assert acme_api.delete(one).status_code == 404
    assert acme_api.get("/portal/domains").json()["portal_domains"] == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "no domain", ""])
def test_what_is_no_domain_is_refused(
    acme: House, acme_api: ApiClient, name: str
) -> None:
    answer = acme_api.post("/portal/domains", {"domain": name})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "domain")
    assert not PortalDomain.objects.exists()


def test_a_sixth_domain_is_a_conflict(acme: House, acme_api: ApiClient) -> None:
    for number in range(5):
        acme_api.post("/portal/domains", {"domain": f"d{number}.acme.example"})
    sixth = acme_api.post("/portal/domains", {"domain": "d5.acme.example"})
    assert sixth.json()["error"]["code"] == "conflict"


def test_others_do_not_see_it(
    acme_api: ApiClient, bakery_api: ApiClient, globex: House
) -> None:
    claim = acme_api.post("/portal/domains", {"domain": NAME}).json()["portal_domain"]
    stranger = ApiClient(globex)
    assert bakery_api.get("/portal/domains").status_code == 403
    assert stranger.get("/portal/domains").json()["portal_domains"] == []
    assert stranger.delete(f"/portal/domains/{claim['id']}").status_code == 404
    assert PortalDomain.objects.count() == 1
