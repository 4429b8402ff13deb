"""A SIP trunk's settings, checked: what a person typed becomes values that work."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from calls.media.rtp_format import CODECS, Codec
from calls.telephony.protocol import BadTrunk, TrunkConfig
from calls.telephony.sip.digest import Credentials
from calls.trunk_rules import written_for

TRANSPORTS: Final = ("udp", "tcp", "tls")
NUMBER_FORMATS: Final = ("plus", "digits", "00", "national")
DEFAULT_CODECS: Final = ("PCMA", "PCMU", "opus")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.\-]{0,250}[A-Za-z0-9])?\Z")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class SipTrunk:
    """One trunk, ready to be used."""

    id: UUID
    name: str
    host: str
    port: int | None
    transport: str
    domain: str  # of our own address there
    proxy: str  # where requests go instead of `host`
    proxy_port: int | None
    credentials: Credentials | None = field(repr=False)
    registers: bool
    holds_registration: bool
    expires_s: int
    networks: tuple[Network, ...]
    codecs: tuple[Codec, ...]
    encrypts: bool
    number_format: str
    region: str
    asserts_identity: bool
    session_expires_s: int
    options_every_s: int
    max_channels: int
    calls_per_second: int
    numbers: frozenset[str]
    contact_user: str = field(repr=False)

    @property
    def next_host(self) -> tuple[str, int | None]:
        """Return where its requests are sent."""
        if self.proxy:
            return self.proxy, self.proxy_port
        return self.host, self.port

    @property
    def can_dial(self) -> bool:
        return bool(self.host)

    def trusts(self, host: str) -> bool:
        """Whether an address was named as this trunk's."""
        address = ipaddress.ip_address(host)
        return any(address in network for network in self.networks)

    def dialled(self, number: str) -> str:
        """Return a number the way this trunk wants it."""
        if self.number_format == "plus" or not number.startswith("+"):
            return number
        if self.number_format == "national":
            return written_for(number, "national")
        return ("00" if self.number_format == "00" else "") + number[1:]


def trunk_from(config: TrunkConfig) -> SipTrunk:
    """Return the trunk, or raise `BadTrunk` naming the field."""
    settings = config.settings
    host, port = _host_and_port(settings, "host")
    proxy, proxy_port = _host_and_port(settings, "outbound_proxy")
    networks = _networks(settings)
    if not host and not networks:
        raise BadTrunk("host", "Give the trunk's host, or the addresses it calls from.")
    transport = _choice(settings, "transport", TRANSPORTS)
    credentials = _credentials(config)
    registers = bool(settings.get("register", False))
    if registers and (not host or credentials is None):
        raise BadTrunk("register", "To register, a host and a username are needed.")
    encrypts = bool(settings.get("srtp", False))
    if encrypts and transport != "tls":
        raise BadTrunk(
            "srtp", "Encrypted audio needs TLS: keys travel in the messages."
        )
    return SipTrunk(
        id=config.id,
        name=config.name,
        host=host,
        port=_port(settings, "port") or port,
        transport=transport,
        domain=_text(settings, "domain") or host,
        proxy=proxy,
        proxy_port=proxy_port,
        credentials=credentials,
        registers=registers,
        holds_registration=config.holds_registration,
        expires_s=_number(settings, "register_expires_s", 600, 60, 7_200),
        networks=networks,
        codecs=_codecs(settings),
        encrypts=encrypts,
        number_format=_choice(settings, "number_format", NUMBER_FORMATS),
        region=_text(settings, "region").upper(),
        asserts_identity=bool(settings.get("asserts_identity", True)),
        session_expires_s=_number(settings, "session_expires_s", 1_800, 90, 86_400),
        options_every_s=_number(settings, "options_every_s", 60, 0, 3_600),
        max_channels=config.max_channels,
        calls_per_second=config.calls_per_second,
        numbers=config.numbers,
        contact_user=_contact_user(config),
    )


def check(config: TrunkConfig) -> None:
    """Raise `BadTrunk` for settings that cannot work."""
    trunk_from(config)


def _contact_user(config: TrunkConfig) -> str:
    """Return whom the trunk calls here: nobody else can guess it.

    It stays the same over a restart, for registrars keep a contact for a while.
    """
    secret = f"{config.id}:{config.secrets.get('password', '')}"
    return "t" + hashlib.sha256(secret.encode()).hexdigest()[:24]


def _text(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or any(ord(c) < 32 for c in value):
        raise BadTrunk(name, "This is no plain text.")
    return value.strip()


def _number(
    settings: Mapping[str, Any], name: str, default: int, low: int, high: int
) -> int:
    value = settings.get(name)
    if value in (None, ""):
        return default
    try:
        number = int(str(value))
    except ValueError:
        raise BadTrunk(name, "This must be a whole number.") from None
    if number != 0 and not low <= number <= high:
        raise BadTrunk(name, f"This must be between {low} and {high}.")
    return number


def _port(settings: Mapping[str, Any], name: str) -> int | None:
    return _number(settings, name, 0, 1, 65_535) or None


def _choice(settings: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    value = _text(settings, name).lower() or choices[0]
    if value not in choices:
        raise BadTrunk(name, f"This must be one of: {', '.join(choices)}.")
    return value


def _host_and_port(settings: Mapping[str, Any], name: str) -> tuple[str, int | None]:
    """Read `host`, `host:port`, an address, or a whole `sip:` URI."""
    text = re.sub(r"(?i)^sips?:", "", _text(settings, name)).partition(";")[0]
    if not text:
        return "", None
    bare = text.strip("[]")
    try:
        return str(ipaddress.ip_address(bare)), None
    except ValueError:
        pass
    host, colon, port = text.rpartition(":")
    if colon:
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
            raise BadTrunk(name, "The part after the colon is no port.")
        try:
            return str(ipaddress.ip_address(host.strip("[]"))), int(port)
        except ValueError:
            pass
    else:
        host = text
    if not _HOST.match(host) or ".." in host:
        raise BadTrunk(name, "This is no host name, such as sip.example.com.")
    return host.lower(), int(port) if colon else None


def _networks(settings: Mapping[str, Any]) -> tuple[Network, ...]:
    value = settings.get("addresses") or ()
    entries = re.split(r"[\s,;]+", value) if isinstance(value, str) else list(value)
    networks: list[Network] = []
    for entry in entries:
        if not entry:
            continue
        try:
            network = ipaddress.ip_network(str(entry).strip(), strict=False)
        except ValueError:
            raise BadTrunk(
                "addresses", f"{entry} is no address or network, such as 192.0.2.0/24."
            ) from None
        if network.prefixlen < (8 if network.version == 4 else 32):
            raise BadTrunk(
                "addresses", f"{entry} is too large: name the carrier's own."
            )
        networks.append(network)
    return tuple(networks)


def _codecs(settings: Mapping[str, Any]) -> tuple[Codec, ...]:
    value = settings.get("codecs") or DEFAULT_CODECS
    names = re.split(r"[\s,;]+", value) if isinstance(value, str) else list(value)
    unknown = [name for name in names if str(name).lower() not in CODECS]
    if unknown:
        raise BadTrunk("codecs", f"{unknown[0]} is not one of PCMA, PCMU, opus.")
    return tuple(CODECS[str(name).lower()] for name in dict.fromkeys(names))


def _credentials(config: TrunkConfig) -> Credentials | None:
    username = _text(config.settings, "username")
    login = _text(config.settings, "auth_username") or username
    password = config.secrets.get("password", "")
    if not login:
        if password:
            raise BadTrunk("username", "A password was given, but no username.")
        return None
    return Credentials(login, password)
