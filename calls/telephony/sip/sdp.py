"""SDP of a telephone call: one audio stream, read from an offer or answer, and written.

Pure. Everything that a call does not need is skipped: other streams are refused with
port 0 in the answer, unknown lines are ignored. What has no usable audio raises
`BadDescription`, which is a 488.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from calls.media.rtp_format import DTMF, Codec, codec_named

MAX_BYTES: Final = 16_384
PTIME_MS: Final = 20
SRTP_SUITES: Final = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
_KEY_BYTES: Final = 30
_STATIC: Final = {0: "PCMU", 8: "PCMA", 13: "CN"}
# RFC 3551's numbers that need no rtpmap; those without code of ours are only named.
_NAMES_ONLY: Final = _STATIC | {3: "GSM", 4: "G723", 9: "G722", 15: "G728", 18: "G729"}
_MIRRORED: Final = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


class BadDescription(ValueError):
    """No audio that we could carry; the text says what is missing."""


@dataclass(frozen=True)
class Crypto:
    """One `a=crypto` line: a key for SRTP, to be used by whoever sent it."""

    tag: int
    suite: str
    key: bytes = field(repr=False)

    def line(self) -> str:
        key = base64.b64encode(self.key).decode()
        return f"a=crypto:{self.tag} {self.suite} inline:{key}"


@dataclass(frozen=True)
class Format:
    """A codec under the payload type it has in this call."""

    payload_type: int
    codec: Codec


@dataclass(frozen=True)
class Description:
    """The audio one side offers or answers."""

    host: str
    port: int
    formats: tuple[Format, ...]
    dtmf_type: int | None = None
    noise_type: int | None = None
    direction: str = "sendrecv"
    rtcp_port: int | None = None
    is_rtcp_muxed: bool = False
    is_encrypted: bool = False
    cryptos: tuple[Crypto, ...] = ()
    # The media lines in order, to refuse all but ours in an answer.
    media_lines: tuple[str, ...] = ()
    audio_index: int = 0

    @property
    def is_held(self) -> bool:
        """Whether whoever sent this does not want to hear us."""
        return self.direction in ("sendonly", "inactive") or self.host == "0.0.0.0"  # noqa: S104  # RFC 2543's hold

    @property
    def sends(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")


@dataclass
class _Media:
    """One m= section as it is read."""

    line: str
    port: int = 0
    profile: str = ""
    types: list[str] = field(default_factory=list)
    host: str = ""
    names: dict[int, str] = field(default_factory=dict)
    direction: str = ""
    rtcp_port: int | None = None
    is_muxed: bool = False
    cryptos: list[Crypto] = field(default_factory=list)


def read(body: bytes) -> Description:
    """Return the audio of an SDP body, or raise `BadDescription`."""
    session, sections = _sections(body)
    for index, media in enumerate(sections):
        if media.line.startswith("audio ") and media.port and _is_rtp(media.profile):
            return _described(session, sections, index)
    raise BadDescription("There is no audio stream over RTP.")


def codec_names(body: bytes) -> list[str]:
    """Return every audio codec a body names, those we do not have included."""
    _, sections = _sections(body)
    names = [
        media.names.get(int(text)) or _NAMES_ONLY.get(int(text)) or ""
        for media in sections
        if media.line.startswith("audio ")
        for text in media.types
        if text.isascii() and text.isdigit() and len(text) < 4
    ]
    bare = [name.partition("/")[0].upper() for name in names if name]
    return [n for n in dict.fromkeys(bare) if n not in ("CN", DTMF.upper())]


def _sections(body: bytes) -> tuple[_Media, list[_Media]]:
    """Return what stands before the first stream, and each stream."""
    if len(body) > MAX_BYTES:
        raise BadDescription("The session description is too long.")
    session = _Media("")
    sections: list[_Media] = []
    for raw in body.decode("utf-8", "replace").replace("\r", "\n").split("\n"):
        line = raw.strip()
        if len(line) < 3 or line[1] != "=":
            continue
        if line[0] == "m":
            sections.append(_media(line))
            if len(sections) > 16:
                raise BadDescription("Too many streams.")
            continue
        _note(sections[-1] if sections else session, line[0], line[2:])
    return session, sections


def _is_rtp(profile: str) -> bool:
    return profile in ("RTP/AVP", "RTP/SAVP", "RTP/AVPF", "RTP/SAVPF")


def _media(line: str) -> _Media:
    bits = line[2:].split()
    if len(bits) < 4:
        return _Media(line[2:])
    return _Media(
        line[2:],
        port=_port(bits[1].partition("/")[0]),
        profile=bits[2].upper(),
        types=bits[3:35],
    )


def _note(media: _Media, kind: str, value: str) -> None:
    bits = value.split()
    if kind == "c" and len(bits) == 3 and bits[0] == "IN":
        media.host = bits[2].partition("/")[0]
    if kind == "a":
        name, _, content = value.partition(":")
        if name in _MIRRORED:
            media.direction = name
        elif name == "rtpmap":
            _note_name(media, content)
        elif name == "rtcp-mux":
            media.is_muxed = True
        elif name == "rtcp":
            media.rtcp_port = _port((content.split() or [""])[0]) or None
        elif name == "crypto" and (crypto := _crypto(content)) is not None:
            media.cryptos = [*media.cryptos, crypto][:8]


def _port(text: str) -> int:
    """Return a port, or 0 for what is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if number < 65_536 else 0


def _note_name(media: _Media, content: str) -> None:
    number, _, name = content.strip().partition(" ")
    if number.isascii() and number.isdigit() and len(number) < 4 and int(number) < 128:
        media.names[int(number)] = name.strip().lower()


def _crypto(content: str) -> Crypto | None:
    bits = content.split()
    if len(bits) < 3 or bits[1] not in SRTP_SUITES or not bits[0].isdigit():
        return None
    if len(bits[0]) > 9:
        return None
    method, _, key = bits[2].partition(":")
    try:
        raw = base64.b64decode(key.partition("|")[0] + "==", validate=False)
    except (binascii.Error, ValueError):
        return None
    if method != "inline" or len(raw) < _KEY_BYTES:
        return None
    return Crypto(int(bits[0]), bits[1], raw[:_KEY_BYTES])


def _described(session: _Media, sections: Sequence[_Media], index: int) -> Description:
    media = sections[index]
    host = media.host or session.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name would have to be looked up for every caller who cares to send one.
        raise BadDescription("The audio's address is no IP address.") from None
    if address.is_multicast:
        raise BadDescription("The audio's address is a multicast one.")
    formats: list[Format] = []
    dtmf_type = noise_type = None
    for text in media.types:
        if not (text.isascii() and text.isdigit() and len(text) < 4):
            continue
        number = int(text)
        name = media.names.get(number) or _STATIC.get(number, "").lower()
        if name.startswith("telephone-event/8000"):
            dtmf_type = number if dtmf_type is None else dtmf_type
        elif name.partition("/")[0] == "cn" and name in ("cn", "cn/8000"):
            noise_type = number
        elif (codec := codec_named(name)) is not None:
            formats.append(Format(number, codec))
    return Description(
        host=host,
        port=media.port,
        formats=tuple(formats),
        dtmf_type=dtmf_type,
        noise_type=noise_type,
        direction=media.direction or session.direction or "sendrecv",
        rtcp_port=media.rtcp_port,
        is_rtcp_muxed=media.is_muxed,
        is_encrypted=media.profile.startswith("RTP/SAVP"),
        cryptos=tuple(media.cryptos),
        media_lines=tuple(section.line for section in sections),
        audio_index=index,
    )


# --- choosing and writing -------------------------------------------------------------


def offer(
    *,
    host: str,
    port: int,
    codecs: Sequence[Codec],
    crypto: Crypto | None = None,
    direction: str = "sendrecv",
    with_noise: bool = True,
) -> Description:
    """Return what we offer: these codecs in this order, keys, and comfort noise."""
    formats, dynamic = [], 96
    for codec in codecs:
        if codec.static_type is None:
            formats.append(Format(dynamic, codec))
            dynamic += 1
        else:
            formats.append(Format(codec.static_type, codec))
    return Description(
        host=host,
        port=port,
        formats=tuple(formats),
        dtmf_type=101,
        noise_type=13 if with_noise else None,
        direction=direction,
        is_encrypted=crypto is not None,
        cryptos=(crypto,) if crypto else (),
    )


def answer(
    offered: Description,
    *,
    host: str,
    port: int,
    codecs: Sequence[Codec],
    crypto: Crypto | None = None,
    direction: str = "sendrecv",
) -> Description:
    """Return our answer: the first codec of theirs that we have, as they numbered it.

    Raises `BadDescription` when there is none.
    """
    chosen = next((f for f in offered.formats if f.codec in codecs), None)
    if chosen is None:
        raise BadDescription("No codec in common: we take PCMA, PCMU and Opus.")
    mirrored = _MIRRORED[offered.direction]
    if direction != "sendrecv":
        mirrored = "inactive" if mirrored in ("recvonly", "inactive") else direction
    return replace(
        offered,
        host=host,
        port=port,
        formats=(chosen,),
        # RFC 4733 at another clock than the codec's would need a second timeline.
        dtmf_type=offered.dtmf_type,
        direction=mirrored,
        rtcp_port=None,
        cryptos=(crypto,) if crypto else (),
    )


def chosen_format(ours: Description, answered: Description) -> Format:
    """Return what an answer to our offer says to use; or raise `BadDescription`."""
    names = {format_.codec for format_ in ours.formats}
    for format_ in answered.formats:
        if format_.codec in names:
            return format_
    raise BadDescription("The answer has no codec of ours.")


def write(description: Description, *, session_id: int, version: int) -> bytes:
    """Return the body; `version` grows with each description of a call."""
    family = "IP6" if ":" in description.host else "IP4"
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN {family} {description.host}",
        "s=-",
        f"c=IN {family} {description.host}",
        "t=0 0",
    ]
    theirs = description.media_lines or ("",)
    for index, line in enumerate(theirs):
        if index == description.audio_index:
            lines += _audio_lines(description)
        else:
            kind, _, rest = line.partition(" ")
            lines.append(f"m={kind} 0 {rest.partition(' ')[2]}")
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _audio_lines(description: Description) -> list[str]:
    types = [str(format_.payload_type) for format_ in description.formats]
    maps = [
        f"a=rtpmap:{format_.payload_type} {format_.codec.rtpmap}"
        for format_ in description.formats
    ]
    if description.noise_type is not None:
        types.append(str(description.noise_type))
        maps.append(f"a=rtpmap:{description.noise_type} CN/8000")
    if description.dtmf_type is not None:
        types.append(str(description.dtmf_type))
        maps.append(f"a=rtpmap:{description.dtmf_type} {DTMF}/8000")
        maps.append(f"a=fmtp:{description.dtmf_type} 0-15")
    profile = "RTP/SAVP" if description.is_encrypted else "RTP/AVP"
    lines = [f"m=audio {description.port} {profile} {' '.join(types)}", *maps]
    lines += [crypto.line() for crypto in description.cryptos]
    if description.is_rtcp_muxed:
        lines.append("a=rtcp-mux")
    return [*lines, f"a=ptime:{PTIME_MS}", f"a={description.direction}"]
