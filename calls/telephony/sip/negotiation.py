"""One call's offers and answers, and what they come to for its audio.

we offer    ours ──▶ theirs (answer)       they offer   theirs ──▶ ours (answer)
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Final

import pylibsrtp

from calls.media.rtp_format import Codec
from calls.media.rtp_stream import Route
from calls.telephony.sip import sdp
from calls.telephony.sip.sdp import BadDescription, Crypto, Description

SDP_TYPE: Final = "application/sdp"
_PROFILES: Final = {
    "AES_CM_128_HMAC_SHA1_80": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
}


class Negotiation:
    """Keeps both descriptions of a call and the version of ours."""

    def __init__(
        self, *, host: str, port: int, codecs: tuple[Codec, ...], encrypts: bool
    ) -> None:
        self._host, self._port, self._codecs = host, port, codecs
        self._encrypts = encrypts
        self._session_id = secrets.randbits(40)
        self._version = 0
        self._crypto: Crypto | None = None
        self._policies: tuple[bytes, bytes, object, object] | None = None
        self.ours: Description | None = None
        self.theirs: Description | None = None
        self.direction = "sendrecv"  # what we want, hold included

    @property
    def is_settled(self) -> bool:
        return self.ours is not None and self.theirs is not None

    @property
    def is_held_by_them(self) -> bool:
        return self.theirs is not None and self.theirs.is_held

    def offer(self) -> bytes:
        """Return an offer: of all codecs at first, of the one in use later."""
        if self._encrypts and self._crypto is None:
            self._crypto = Crypto(1, sdp.SRTP_SUITES[0], secrets.token_bytes(30))
        if self.ours is not None and self.theirs is not None:
            self.ours = replace(
                self.ours,
                direction=self.direction,
                is_rtcp_muxed=False,
                media_lines=(),
                audio_index=0,
            )
        else:
            self.ours = sdp.offer(
                host=self._host,
                port=self._port,
                codecs=self._codecs,
                crypto=self._crypto,
                direction=self.direction,
            )
        return self._written()

    def take_answer(self, body: bytes) -> None:
        """Take their answer to our offer; raise `BadDescription`."""
        theirs = sdp.read(body)
        assert self.ours is not None
        sdp.chosen_format(self.ours, theirs)
        if self.ours.is_encrypted != theirs.is_encrypted:
            raise BadDescription("The answer does not keep to the agreed encryption.")
        if theirs.is_encrypted and not theirs.cryptos:
            raise BadDescription("The answer has no key that we can use.")
        self.theirs = theirs

    def answer(self, body: bytes, *, is_secure: bool) -> bytes:
        """Return our answer to their offer; raise `BadDescription`.

        Keys are only taken over an encrypted way: anywhere else they protect nothing.
        """
        theirs = sdp.read(body)
        crypto = None
        if theirs.is_encrypted:
            if not is_secure:
                raise BadDescription("Encrypted audio is only taken over TLS.")
            if not theirs.cryptos:
                raise BadDescription("The offer has no key that we can use.")
            chosen = theirs.cryptos[0]
            key = secrets.token_bytes(30)
            if self._crypto is not None and self._crypto.suite == chosen.suite:
                key = self._crypto.key  # the same call, asked again
            crypto = self._crypto = Crypto(chosen.tag, chosen.suite, key)
        elif self._encrypts:
            raise BadDescription("This trunk takes encrypted audio only.")
        ours = sdp.answer(
            theirs,
            host=self._host,
            port=self._port,
            codecs=self._codecs,
            crypto=crypto,
            direction=self.direction,
        )
        self.ours, self.theirs = ours, theirs
        return self._written()

    def route(self) -> Route:
        """Return what both descriptions come to."""
        assert self.ours is not None
        assert self.theirs is not None
        chosen = sdp.chosen_format(self.ours, self.theirs)
        theirs = self.theirs
        send_policy = receive_policy = None
        if theirs.is_encrypted and theirs.cryptos and self._crypto is not None:
            send_policy, receive_policy = self._srtp(self._crypto, theirs.cryptos)
        return Route(
            host=theirs.host,
            port=theirs.port,
            codec=chosen.codec,
            payload_type=chosen.payload_type,
            dtmf_type=theirs.dtmf_type if self.ours.dtmf_type is not None else None,
            noise_type=theirs.noise_type,
            rtcp_port=theirs.rtcp_port,
            is_rtcp_muxed=theirs.is_rtcp_muxed and self.ours.is_rtcp_muxed,
            send_policy=send_policy,
            receive_policy=receive_policy,
        )

    def _srtp(self, ours: Crypto, theirs: tuple[Crypto, ...]) -> tuple[object, object]:
        """Return policies; the same objects for the same keys: a stream goes on then."""
        their = next((c for c in theirs if c.suite == ours.suite), theirs[0])
        if self._policies is None or self._policies[:2] != (ours.key, their.key):
            self._policies = (
                ours.key,
                their.key,
                _policy(ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND),
                _policy(their, pylibsrtp.Policy.SSRC_ANY_INBOUND),
            )
        return self._policies[2], self._policies[3]

    def _written(self) -> bytes:
        assert self.ours is not None
        self._version += 1
        return sdp.write(self.ours, session_id=self._session_id, version=self._version)


def _policy(crypto: Crypto, kind: int) -> object:
    return pylibsrtp.Policy(
        key=crypto.key, ssrc_type=kind, srtp_profile=_PROFILES[crypto.suite]
    )
