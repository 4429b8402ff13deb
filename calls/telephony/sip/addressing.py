"""Who calls and who is called, out of the headers that carriers put it in. Pure."""

from __future__ import annotations

import re
from typing import Final

from sipmessage import Request

from calls.telephony.sip.headers import display_name, parse_uri, split_list, uri_text
from calls.telephony.sip.trunk import SipTrunk
from common.phone import InvalidNumber, parse_number

_NUMBER: Final = re.compile(r"\+?[0-9][0-9\-.() ]{1,24}\Z")


def called_of(request: Request, trunk: SipTrunk) -> str:
    """Return the number that was called, E.164 where it can be told.

    A registered trunk calls our contact; the number then stands elsewhere.
    """
    user = request.uri.user or ""
    if user and user != trunk.contact_user:
        return normal(user, trunk)
    for name in ("P-Called-Party-ID", "To"):
        user = _user_of(request.headers.get(name) or "")
        if user and user != trunk.contact_user:
            return normal(user, trunk)
    return ""


def caller_of(request: Request, trunk: SipTrunk) -> str:
    """Return who calls, empty when withheld: what the trunk asserts goes first."""
    if "id" in (request.headers.get("Privacy") or "").lower().split(";"):
        return ""
    asserted = request.headers.getlist("P-Asserted-Identity")
    values = [item for value in asserted for item in split_list(value)]
    for value in [*values, request.headers["From"]]:
        user = _user_of(value)
        if user and user.lower() not in ("anonymous", "unknown", "unavailable"):
            return normal(user, trunk)
    return ""


def caller_name_of(request: Request) -> str:
    name = display_name(request.headers["From"])
    return "" if name.lower() == "anonymous" else name


def normal(user: str, trunk: SipTrunk) -> str:
    """Return a number in E.164 where it is one, else what was there, within reason."""
    user = user.partition(";")[0].strip()
    if not _NUMBER.match(user):
        return user[:64]
    text = user
    if text.startswith("00") and not trunk.region:
        text = "+" + text[2:]
    elif not text.startswith(("+", "0")) and not trunk.region:
        text = "+" + text
    try:
        return parse_number(text, region=trunk.region or None)
    except InvalidNumber:
        digits = re.sub(r"[^0-9+]", "", user)
        if trunk.region and not digits.startswith(("+", "0")):
            try:  # in full, but for the plus
                return parse_number(f"+{digits}")
            except InvalidNumber:
                return digits
        return digits


def _user_of(value: str) -> str:
    try:
        return parse_uri(uri_text(value)).user or ""
    except ValueError:
        return ""
