"""The shipped proxy configuration with the real Caddy: certificates for what is proven."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from portal.domains import claims
from portal.domains.checking import challenge_host, challenge_value
from portal.models import Portal
from tests.fakes.dns_server import name_server
from tests.world import House

pytestmark = [
    pytest.mark.slow,
    pytest.mark.servers,
    pytest.mark.django_db(transaction=True),
]
NAME = "calls.acme.example"


@dataclass
class Proxy:
    port: int
    root: Path

    def greet(self, name: str) -> str:
        """Shake hands as a browser would; return who the certificate is for."""
        context = ssl.create_default_context(cafile=str(self.root))
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            return str(secure.getpeercert()["subjectAltName"][0][1])

    def get(self, name: str, path: str, **headers: str) -> str:
        context = ssl.create_default_context(cafile=str(self.root))
        lines = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            secure.sendall(
                f"GET {path} HTTP/1.1\r\nHost: {name}\r\n{lines}Connection: close\r\n\r\n".encode()
            )
            with secure.makefile("rb") as answer:
                return answer.read().decode("utf-8", "replace")


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture
def proxy(live_server, tmp_path: Path) -> Iterator[Proxy]:
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.fail("Caddy is not installed: apt-get install caddy")
    plain, secure, admin = free_ports(3)
    upstream = live_server.url.removeprefix("http://").replace("localhost", "127.0.0.1")
    environment = os.environ | {
        "PORTAVOCE_UPSTREAM": upstream,
        "PORTAVOCE_ASK": f"http://{upstream}/tls/ask",
        "PORTAVOCE_HTTP_PORT": str(plain),
        "PORTAVOCE_HTTPS_PORT": str(secure),
        "PORTAVOCE_CADDY_ADMIN": f"127.0.0.1:{admin}",
        "PORTAVOCE_CADDY_ISSUER": "internal",
        "PORTAVOCE_CADDY_GLOBAL": "skip_install_trust",
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HOME": str(tmp_path),
    }
    log = (tmp_path / "caddy.log").open("wb")
    process = subprocess.Popen(
        [caddy, "run", "--config", str(django_settings.BASE_DIR / "deploy/Caddyfile")],
        env=environment,
        stdout=log,
        stderr=log,
    )
    try:
        until = time.monotonic() + 20
        root = tmp_path / "data/caddy/pki/authorities/local/root.crt"
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", secure), 0.2).close()
            except OSError:
                assert process.poll() is None, (tmp_path / "caddy.log").read_text()
                time.sleep(0.1)
                continue
            if root.exists():
                break
        yield Proxy(secure, root)
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def test_a_domain_comes_from_a_claim_to_a_page_over_tls(
    acme: House, proxy: Proxy, settings
):
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.DOMAIN_CHECK_PORT = proxy.port
    settings.DOMAIN_CA_FILE = str(proxy.root)
    with name_server() as zone:
        settings.DNS_SERVERS = [zone.address]
        zone.put(NAME, "CNAME", f"{acme.portal.slug}.localhost.")
        zone.put(NAME, "A", "127.0.0.1")
        zone.put(acme.host, "A", "127.0.0.1")
        domain = claims.claim_domain(portal=acme.portal, text=NAME, actor=None)
        # Pointing here is not enough: without proof there is no certificate.
        assert claims.check_domain(domain=domain).status == "pending_dns"
        with pytest.raises((ssl.SSLError, ConnectionError)):
            proxy.greet(NAME)
        zone.put(challenge_host(NAME), "TXT", f'"{challenge_value(domain.token)}"')
        live = claims.check_domain(domain=domain)
        assert (live.status, live.problem) == ("live", "")
        assert live.certificate_ends_at is not None
    assert Portal.objects.get(pk=acme.portal.pk).live_domain == NAME
    assert proxy.greet(NAME) == NAME
    page = proxy.get(NAME, "/accounts/login/")
    assert page.startswith("HTTP/1.1 200")
    assert acme.portal.name in page


def test_an_unknown_host_gets_no_certificate(acme: House, proxy: Proxy):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        proxy.greet("evil.example")
    assert proxy.greet(acme.host) == acme.host


def test_the_question_cannot_be_asked_through_the_proxy(acme: House, proxy: Proxy):
    answer = proxy.get(acme.host, f"/tls/ask?domain={acme.host}")
    assert answer.startswith("HTTP/1.1 404")
