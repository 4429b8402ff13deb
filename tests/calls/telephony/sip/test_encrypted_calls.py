"""SIP over TLS, and audio over SRTP where it is agreed there."""

from __future__ import annotations

from pathlib import Path

import pytest

from calls.telephony.protocol import NotAnswered
from tests.calls.telephony.sip.certificates import tls_listening
from tests.calls.telephony.sip.exchange import exchange, hear, say, strongest_hz

pytestmark = [pytest.mark.slow, pytest.mark.asyncio]


@pytest.fixture
def listening(tmp_path: Path) -> dict[str, object]:
    """A certificate of this machine's address, and where it is."""
    return tls_listening(tmp_path)


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
