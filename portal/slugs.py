"""Names a portal may answer at: which are kept back, and which look alike.

A slug is what people read before they type a password. One that looks like another
portal's, or like an address of the platform itself, is refused.
"""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_KEPT_BACK: Final = """
about abuse account accounts admin administrator agency api app apps assets auth
autoconfig autodiscover billing blog broadcasthost calls cdn client clients cloud
console contact cpanel dashboard demo dev dns docs email ftp gateway help home
host hostmaster hq imap info internal invite legal live localhost login logout mail
marketing media mx news noc ns ns1 ns2 noreply no-reply oauth office official operator ops owner
partner partners pay payment payments ping platform pop3 portal portals portavoce postmaster
pricing privacy proxy root sales secure security server sftp shop signin signup sip
smtp ssl sso staff staging static status stun support sysadmin system team terms test
tls trust turn update updates usenet voice vpn web webhook webhooks webmail webmaster
wiki worker wpad www
"""
RESERVED: Final = frozenset(_KEPT_BACK.split())

# Pairs first: `rn` reads as `m` before `n` is looked at.
_LOOKS: Final = (
    ("rn", "m"),
    ("vv", "w"),
    ("cl", "d"),
    ("0", "o"),
    ("1", "l"),
    ("i", "l"),
    ("5", "s"),
    ("8", "b"),
    ("-", ""),
)


def look_of(slug: str) -> str:
    """Return what a slug looks like at a glance; the same for those easily confused."""
    look = slug.lower()
    for sign, seen in _LOOKS:
        look = look.replace(sign, seen)
    return look


_RESERVED_LOOKS: Final = frozenset(look_of(word) for word in RESERVED)


def check_slug(slug: str) -> None:
    """Refuse names that are kept back, what looks like one, and encoded Unicode."""
    if slug.startswith("xn--") or "--" in slug:
        raise ValidationError(_("Use no two hyphens in a row."), code="slug_encoded")
    if look_of(slug) in _RESERVED_LOOKS:
        raise ValidationError(_("This name is kept back."), code="slug_reserved")
