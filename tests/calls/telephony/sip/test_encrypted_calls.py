"""SIP over TLS, and audio over SRTP where it is agreed there."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from calls.telephony.protocol import NotAnswered
from tests.calls.telephony.sip.exchange import exchange, hear, say, strongest_hz

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


@pytest.fixture
def listening(tmp_path: Path) -> dict[str, object]:
    """A certificate of this machine's address, and where it is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            pem,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {
        "tls_port": 0,
        "tls_certificate": str(tmp_path / "cert.pem"),
        "tls_key": str(tmp_path / "key.pem"),
    }


@pytest.mark.parametrize("srtp", [False, True])
async def test_a_call_over_tls_is_heard(
    listening: dict[str, object], monkeypatch: pytest.MonkeyPatch, srtp: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(listening["tls_certificate"]))
    ours = {"transport": "tls", "srtp": srtp, "codecs": "PCMA"}
    async with exchange(ours=ours, listening=listening) as phones:
        leg, other = await phones.connect()
        await say(leg, 0.6, hz=500)
        assert strongest_hz(await hear(other, 0.5)) == pytest.approx(500, abs=20)
        assert (leg.link.stream._protect is not None) == srtp
        assert (other.link.stream._unprotect is not None) == srtp
        await leg.hang_up()
        await other.wait_closed()


async def test_a_certificate_nobody_vouches_for_is_not_trusted(
    listening: dict[str, object],
) -> None:
    async with exchange(ours={"transport": "tls"}, listening=listening) as phones:
        leg = await phones.ours.place(phones.request())
        with pytest.raises(NotAnswered, match="not trusted"):
            await leg.wait_answered()
        assert phones.desk.calls == []
