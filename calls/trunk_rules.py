"""What may stand in a trunk, and how a call uses it: pure functions on plain values."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers
from django.utils.translation import gettext as _

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_ADDRESSES: Final = 50


CODECS: Final = ("PCMA", "PCMU", "opus")
REGISTER_EXPIRES_S: Final = (60, 7_200)
OPTIONS_EVERY_S: Final = (15, 3_600)  # or 0: not at all


class BadAddress(ValueError):
    """Text that is no address; the message says what to write instead."""


@dataclass(frozen=True)
class HostPort:
    """Where a SIP server is; no port means: ask the DNS, else the usual one."""

    host: str
    port: int | None = None


def parse_address(text: str) -> HostPort:
    """Return `sip.example.com`, `sip:203.0.113.7:5080` or `[2001:db8::1]:5060` as parts."""
    rest = re.sub(r"^sips?:", "", text.strip().lower())
    rest = rest.partition(";")[0].rpartition("@")[2]
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or tail[:1] not in ("", ":"):
            raise BadAddress(_("Write an IPv6 address as [2001:db8::1]:5060."))
        port_text = tail[1:]
    elif rest.count(":") > 1:
        host, port_text = rest, ""
    else:
        host, _colon, port_text = rest.partition(":")
    return HostPort(_host(host), parse_port(port_text) if port_text else None)


def parse_port(text: str | int) -> int:
    """Return a port, or say what one is."""
    digits = str(text)
    if not (digits.isascii() and digits.isdecimal() and 1 <= int(digits) <= 65_535):
        raise BadAddress(_("A port is a number from 1 to 65535."))
    return int(digits)


def _host(host: str) -> str:
    host = host.rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    labels = host.split(".")
    if (
        not host
        or len(host) > 253
        or not all(_LABEL.fullmatch(label) for label in labels)
        or labels[-1].isdecimal()
    ):
        raise BadAddress(
            _("Write a host name or an IP address, such as sip.example.com.")
        )
    return host


def parse_networks(texts: Iterable[str]) -> list[str]:
    """Return addresses and networks in their one spelling, each once."""
    found: list[str] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            raise BadAddress(
                _(
                    "%(text)s is no address or network, such as 203.0.113.7 or "
                    "203.0.113.0/24."
                )
                % {"text": text.strip()[:60]}
            ) from error
        if network.prefixlen < (8 if network.version == 4 else 19):
            raise BadAddress(
                _("%(network)s is too wide: anybody could call in from it.")
                % {"network": network}
            )
        is_one = network.prefixlen == network.max_prefixlen
        spelling = str(network.network_address) if is_one else str(network)
        if spelling not in found:
            found.append(spelling)
    if len(found) > _MAX_ADDRESSES:
        raise BadAddress(_("At most %(max)d addresses.") % {"max": _MAX_ADDRESSES})
    return found


def parse_codecs(texts: Iterable[str]) -> list[str]:
    """Return codecs in their one spelling, each once, in the order given."""
    known = {name.lower(): name for name in CODECS}
    found: list[str] = []
    for text in texts:
        name = known.get(text.strip().lower())
        if name is None:
            raise BadAddress(
                _("%(text)s is no codec of ours: use %(codecs)s.")
                % {"text": text.strip()[:20], "codecs": ", ".join(CODECS)}
            )
        if name not in found:
            found.append(name)
    return found


def parse_domain(text: str) -> str:
    """Return a host name or address; empty stays empty."""
    return _host(text.strip().lower()) if text.strip() else ""


def parse_seconds(value: int, bounds: tuple[int, int], *, may_be_off: bool) -> int:
    """Return seconds within bounds, or 0 where that switches something off."""
    low, high = bounds
    if (value == 0 and may_be_off) or low <= value <= high:
        return value
    text = (
        _("Choose from %(low)d to %(high)d seconds, or 0 for never.")
        if may_be_off
        else _("Choose from %(low)d to %(high)d seconds.")
    )
    raise BadAddress(text % {"low": low, "high": high})


def contradictions(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what of a whole trunk cannot be so together, by the field to mend."""
    found = {}
    if values.get("srtp") and values.get("transport") != "tls":
        found["srtp"] = "Encrypted audio needs TLS: its keys travel in the messages."
    if values.get("registers") and not values.get("auth_username"):
        found["auth_username"] = "A carrier registers you by your user name."
    return found


def written_for(number: str, number_format: str) -> str:
    """Return an E.164 number as a trunk wants to read it."""
    if number_format == "digits":
        return number.removeprefix("+")
    if number_format == "national":
        parsed = phonenumbers.parse(number)
        national = phonenumbers.format_number(
            parsed, phonenumbers.PhoneNumberFormat.NATIONAL
        )
        return re.sub(r"\D", "", national)
    return number


def read_number(text: str, region: str | None) -> str:
    """Return a number as a carrier wrote it, in E.164; text that is none as it is.

    Carriers write `+31201234567`, `0031201234567`, `31201234567` or, at home,
    `0201234567`; `region` (ISO 3166) is whose home.
    """
    digits = re.sub(r"[^\d+]", "", text)
    tries = [(digits, region)]
    if digits.startswith("00"):
        tries.insert(0, (f"+{digits[2:]}", None))
    elif not digits.startswith(("+", "0")):
        tries.insert(0, (f"+{digits}", None))
    for candidate, home in tries:
        try:
            parsed = phonenumbers.parse(candidate, home)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(parsed):
            return str(
                phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            )
    return text


def region_of(number: str) -> str | None:
    """Return the country an E.164 number belongs to, such as `NL`."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    return str(region) if region else None
