"""A domain is had by proof, checked by what the world says, and given up with a delay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.domains import checking, claims
from portal.domains.checking import Findings, challenge_host, challenge_value
from portal.domains.names import domain_name, shown_name
from portal.hosts import UnknownHost, find_portal
from portal.models import OutgoingMail, Portal, PortalDomain
from portal.scope import all_organizations
from tests.fakes.dns_server import NameServer, name_server
from tests.world import House, browser

NAME = "calls.acme.example"
IN_A_YEAR = datetime.now(UTC) + timedelta(days=365)
LIVE = Findings(True, True, IN_A_YEAR, True)


@pytest.fixture
def zone(settings) -> Iterator[NameServer]:
    with name_server() as server:
        settings.DNS_SERVERS = [server.address]
        yield server


def claim(house: House, name: str = NAME) -> PortalDomain:
    return claims.claim_domain(portal=house.portal, text=name, actor=None)


def prove(zone: NameServer, domain: PortalDomain) -> None:
    zone.put(challenge_host(domain.name), "TXT", f'"{challenge_value(domain.token)}"')


def make_live(domain: PortalDomain) -> PortalDomain:
    return claims._apply(domain.pk, LIVE)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Calls.Acme.Example", NAME),
        (" calls.acme.example. ", NAME),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a.co", "a.co"),
    ],
)
def test_a_domain_has_one_form(text: str, name: str):
    assert domain_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "acme",
        "localhost",
        "acme.localhost",
        "x.acme.localhost",
        "127.0.0.1",
        "[::1]",
        "10.0.0.1",
        "http://acme.example",
        "acme.example/x",
        "acme.example:80",
        "acme..example",
        "-a.example",
        "a-.example",
        "a b.example",
        "user@acme.example",
        "acme.example\n",
        "*.acme.example",
        "_x.acme.example",
        "printer.local",
        "db.internal",
        "x.onion",
        "xn--a.example",
        "a." * 130 + "example",
        "acme.example..",
        "аpple\u200b.example\x00",
    ],
)
def test_what_is_no_domain_of_ones_own_is_refused(acme: House, text: str):
    if text == "acme.example\n":  # a line break at the end is white space
        assert domain_name(text) == "acme.example"
        return
    with pytest.raises(ValidationError):
        claim(acme, text)
    assert not PortalDomain.objects.exists()


def test_a_name_in_another_script_is_shown_with_its_punycode():
    assert (
        shown_name("xn--80ak6aa92e.example") == "аррӏе.example (xn--80ak6aa92e.example)"
    )


def test_a_claim_alone_answers_nowhere(acme: House):
    claim(acme)
    with pytest.raises(UnknownHost):
        find_portal(NAME)
    assert not claims.may_have_certificate(NAME)


def test_who_proves_it_has_it_however_late_they_came(
    acme: House, globex: House, zone: NameServer
):
    squatter, owner = claim(acme), claim(globex)
    assert squatter.token != owner.token
    prove(zone, owner)
    assert claims.check_domain(domain=squatter).status == "pending_dns"
    assert claims.check_domain(domain=owner).status == "verified"
    assert find_portal(NAME).pk == globex.portal.pk
    # The TXT record of the other is of no use any more.
    zone.put(challenge_host(NAME), "TXT", f'"{challenge_value(squatter.token)}"')
    late = claims.check_domain(domain=squatter)
    assert (late.status, late.problem) == ("pending_dns", "taken")


def test_a_silent_name_server_changes_nothing(
    acme: House, zone: NameServer, monkeypatch
):
    monkeypatch.setattr(checking, "_TIMEOUT_S", 0.3)
    domain = make_live(claim(acme))
    for broken in ("is_silent", "is_failing"):
        setattr(zone, broken, True)
        after = claims.check_domain(domain=domain)
        assert (after.status, after.problem) == ("live", "dns_silent")
        setattr(zone, broken, False)


def test_a_verified_domain_says_what_is_missing(acme: House, zone: NameServer):
    domain = claim(acme)
    prove(zone, domain)
    zone.put(NAME, "A", "192.0.2.1")
    zone.put(f"{acme.portal.slug}.localhost", "A", "198.51.100.7")
    after = claims.check_domain(domain=domain)
    assert (after.status, after.problem) == ("verified", "not_pointing")
    zone.put(NAME, "A", "198.51.100.7")
    after = claims.check_domain(domain=domain)
    assert (after.status, after.problem) == ("verified", "no_certificate")


def test_a_live_domain_is_where_pages_are_read(acme: House):
    make_live(claim(acme))
    portal = Portal.objects.get(pk=acme.portal.pk)
    assert portal.live_domain == NAME
    visitor = browser(acme)
    moved = visitor.get("/accounts/login/?next=/x")
    assert moved.status_code == 302
    assert moved.url.startswith("http")
    assert f"//{NAME}" in moved.url
    assert moved.url.endswith("/accounts/login/?next=/x")
    assert visitor.get("//evil.example/").url.partition("//")[2].startswith(NAME)
    at_home = Client(SERVER_NAME=NAME)
    assert at_home.get("/accounts/login/").status_code == 200
    assert visitor.get("/api/v1/assistants").status_code == 401
    assert visitor.get("/healthz").status_code == 200


def test_one_bad_look_does_not_break_a_domain_and_three_do(acme: House):
    domain = make_live(claim(acme))
    gone = Findings(is_proven=True, points_here=False)
    assert claims._apply(domain.pk, gone).status == "live"
    assert claims._apply(domain.pk, gone).status == "live"
    broken = claims._apply(domain.pk, gone)
    assert (broken.status, broken.problem) == ("broken", "not_pointing")
    assert Portal.objects.get(pk=acme.portal.pk).live_domain == ""
    with all_organizations("the test reads the mails"):
        [mail] = OutgoingMail.objects.filter(template="domain_trouble")
    assert mail.recipient == acme.people["alice"].email
    assert f"{acme.host}" in mail.text
    assert claims._apply(domain.pk, LIVE).status == "live"


def test_a_certificate_that_ends_soon_is_told(acme: House):
    domain = claim(acme)
    soon = datetime.now(UTC) + timedelta(days=3)
    assert (
        claims._apply(
            domain.pk, Findings(True, True, soon, True, is_expiring=True)
        ).status
        == "expiring"
    )
    with all_organizations("the test reads the mails"):
        assert OutgoingMail.objects.filter(template="domain_trouble").count() == 1


def test_another_server_with_a_good_certificate_is_not_live(acme: House):
    found = Findings(True, True, IN_A_YEAR, serves=False)
    after = claims._apply(claim(acme).pk, found)
    assert (after.status, after.problem) == ("issued", "not_served")


def test_a_released_domain_is_free_after_a_delay(
    acme: House, globex: House, zone: NameServer
):
    domain = make_live(claim(acme))
    claims.release_domain(domain=domain, actor=None)
    with pytest.raises(UnknownHost):
        find_portal(NAME)
    assert not claims.may_have_certificate(NAME)
    newcomer = claim(globex)
    prove(zone, newcomer)
    assert claims.check_domain(domain=newcomer).problem == "taken"
    PortalDomain.objects.filter(pk=domain.pk).update(
        released_at=timezone.now() - claims.FREED_AFTER - timedelta(seconds=1)
    )
    claims.check_due_domains()
    assert claims.check_domain(domain=newcomer).status == "verified"


def test_a_claim_that_proves_nothing_lapses(acme: House, zone: NameServer):
    domain = claim(acme)
    PortalDomain.objects.filter(pk=domain.pk).update(
        created_at=timezone.now() - claims.CLAIM_LAPSES_AFTER - timedelta(seconds=1)
    )
    claims.check_due_domains()
    assert not PortalDomain.objects.exists()


def test_due_domains_are_looked_at_in_the_background(acme: House, zone: NameServer):
    domain = claim(acme)
    prove(zone, domain)
    assert claims.check_due_domains() == 0
    PortalDomain.objects.update(check_due_at=timezone.now())
    assert claims.check_due_domains() == 1
    assert PortalDomain.objects.get().status == "verified"
    assert claims.check_due_domains() == 0


def ask(domain: str, **headers: str) -> int:
    client = Client(SERVER_NAME="127.0.0.1")
    return client.get("/tls/ask", {"domain": domain}, headers=headers).status_code


def test_the_proxy_gets_a_certificate_for_what_is_proven_only(
    acme: House, globex: House
):
    make_live(claim(acme))
    claim(globex, "calls.globex.example")
    assert ask(NAME) == 200
    assert ask(acme.host) == 200
    for name in (
        "calls.globex.example",
        "evil.example",
        "",
        "x.acme.localhost",
        "unknown.localhost",
        f"{NAME}.evil.example",
        "127.0.0.1",
        f"{NAME}%00",
        "a" * 300,
    ):
        assert ask(name) == 404, name


def test_only_the_proxy_itself_may_ask(acme: House):
    assert ask(acme.host, **{"x-forwarded-for": "203.0.113.9"}) == 404
    client = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR="8.8.8.8")
    assert client.get("/tls/ask", {"domain": acme.host}).status_code == 404
    assert browser(acme).get("/tls/ask", {"domain": acme.host}).status_code == 404


def test_the_page_shows_the_exact_records(acme: House):
    alice = browser(acme, acme.people["alice"])
    answer = alice.post(reverse("domain_claim"), {"name": NAME}, follow=True)
    html = answer.content.decode()
    domain = PortalDomain.objects.get()
    assert f'value="_portal-challenge.{NAME}"' in html
    assert f'value="portal-domain={domain.token}"' in html
    assert f'value="{acme.host}"' in html
    assert "Portavoce" not in html.partition("Powered")[0]


def test_a_domain_that_cannot_be_used_says_so_at_its_field(acme: House):
    alice = browser(acme, acme.people["alice"])
    answer = alice.post(reverse("domain_claim"), {"name": "globex.localhost"})
    assert answer.status_code == 422
    assert "cannot be used" in answer.content.decode()


def test_another_agencys_domain_is_not_there(acme: House, globex: House):
    domain = claim(globex)
    alice = browser(acme, acme.people["alice"])
    for name in ("domain_check", "domain_release"):
        assert alice.post(reverse(name, args=[domain.pk])).status_code == 404
    assert PortalDomain.objects.get().status == "pending_dns"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "acme.localhost.evil.example",
        "acme.localhost@evil.example",
        "xacme.localhost",
    ],
)
def test_an_unknown_host_names_nobody(acme: House, host: str):
    answer = Client().get("/accounts/login/", headers={"host": host})
    assert answer.status_code in (400, 404)
    assert acme.portal.name not in answer.content.decode()


def test_a_forwarded_host_is_not_believed(acme: House, globex: House):
    answer = browser(acme).get(
        "/accounts/login/", headers={"x-forwarded-host": globex.host}
    )
    assert globex.portal.name not in answer.content.decode()
    assert acme.portal.name in answer.content.decode()


def test_a_page_over_tls_is_to_be_asked_for_over_tls_only(acme: House, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 31_536_000
    answer = browser(acme).get(
        "/accounts/login/", headers={"x-forwarded-proto": "https"}
    )
    assert answer["Strict-Transport-Security"] == "max-age=31536000"
    cookie = answer.cookies["csrftoken"]
    assert cookie["domain"] == ""
