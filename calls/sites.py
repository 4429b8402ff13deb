"""Which sites may show a widget: web origins, as a browser compares them (RFC 6454)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import idna
from django.utils.translation import gettext as _

MAX_SITES: Final = 20
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_HERE: Final = ("localhost", "127.0.0.1")


class BadSite(ValueError):
    """What is no site; the message is for whoever typed it."""


def parse_site(text: str) -> str:
    """Return a site as `https://shop.example`, or raise `BadSite`.

    A name alone stands for HTTPS; `*.shop.example` for every name below it. Plain HTTP
    is for a developer's own machine. A page's whole address gives its site.
    """
    given = text.strip().lower()
    parts = urlsplit(given if "://" in given else f"https://{given}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    host = _ascii((parts.hostname or "").removesuffix("."))
    if parts.username is not None or port == -1 or not _is_host(host):
        raise BadSite(
            _("%(text)s is no site. Write it like https://www.example.com.")
            % {"text": text.strip()[:100]}
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE):
        raise BadSite(
            _("%(text)s: a page may use the microphone over HTTPS only.")
            % {"text": text.strip()[:100]}
        )
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def parse_sites(lines: list[str]) -> list[str]:
    """Return the sites without repeats, or raise `BadSite`."""
    sites = list(dict.fromkeys(parse_site(line) for line in lines if line.strip()))
    if len(sites) > MAX_SITES:
        raise BadSite(_("%(count)s sites at most.") % {"count": MAX_SITES})
    return sites


def _is_host(host: str) -> bool:
    if host in _HERE:
        return True
    labels = host.removeprefix("*.").split(".")
    return (
        len(host) <= 253
        and len(labels) > 1
        and not labels[-1].isdigit()
        and all(_LABEL.match(label) for label in labels)
    )


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return ""
