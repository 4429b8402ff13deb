"""Which sites may show a widget: origins of HTTPS pages, or all below a name."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from common.origins import read_address

MAX_SITES: Final = 20
_HERE: Final = ("localhost", "127.0.0.1")
_ALL_BELOW: Final = "*."


class BadSite(ValueError):
    """What is no site; the message is for whoever typed it."""


def parse_site(text: str) -> str:
    """Return a site as `https://shop.example`, or raise `BadSite`.

    A name alone stands for HTTPS; `*.shop.example` for every name below it. Plain HTTP
    is for a developer's own machine. A page's whole address gives its site.
    """
    given = text.strip()
    scheme, _separator, rest = given.partition("://")
    if not rest:
        scheme, rest = "https", given
    below = _ALL_BELOW if rest.startswith(_ALL_BELOW) else ""
    try:
        origin, _page = read_address(f"{scheme}://{rest.removeprefix(_ALL_BELOW)}")
    except ValueError as error:
        raise _no_site(text) from error
    is_here = origin.host in _HERE and not below
    if not is_here and (origin.is_address or "." not in origin.host):
        raise _no_site(text)
    if origin.scheme != "https" and not is_here:
        raise BadSite(
            _("%(text)s: a page may use the microphone over HTTPS only.")
            % {"text": text.strip()[:100]}
        )
    return str(origin).replace("://", f"://{below}", 1)


def parse_sites(lines: list[str]) -> list[str]:
    """Return the sites without repeats, or raise `BadSite`."""
    sites = list(dict.fromkeys(parse_site(line) for line in lines if line.strip()))
    if len(sites) > MAX_SITES:
        raise BadSite(_("%(count)s sites at most.") % {"count": MAX_SITES})
    return sites


def _no_site(text: str) -> BadSite:
    return BadSite(
        _("%(text)s is no site. Write it like https://www.example.com.")
        % {"text": text.strip()[:100]}
    )
