"""What the checks of a decision found: kept as codes and numbers, told in words.

    checked("person", True, made=1, cap=5)
        {"check": "person", "ok": True, "found": {"made": 1, "cap": 5}}

Words are found where somebody reads, in the reader's language. A record that holds a
sentence under "detail" was written before there were codes, and is shown as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy, ngettext

from campaigns.models import Lead, SuppressionEntry
from common.local_numbers import local_credits

Check = dict[str, Any]
Found = Mapping[str, Any]

NAMES: Final[dict[str, str | Promise]] = {
    "attempts": gettext_lazy("Attempts"),
    "caller_id": gettext_lazy("Number to call from"),
    "campaign_hours": gettext_lazy("Hours of the campaign"),
    "consent": gettext_lazy("Consent"),
    "credit": gettext_lazy("Credits"),
    "daily_cap": gettext_lazy("Calls to this person"),
    "destination": gettext_lazy("Where the call goes"),
    "legal_hours": gettext_lazy("Hours the law sets"),
    "lists": gettext_lazy("Lists of numbers not to be called"),
    "pace": gettext_lazy("Pace"),
    "person": gettext_lazy("Calls to this person"),
    "registers": gettext_lazy("External registers"),
    "suppressed": gettext_lazy("Lists of numbers not to be called"),
    "time_zone": gettext_lazy("Time zone"),
    "voice": gettext_lazy("Voice line"),
}
LEVELS: Final[dict[str, str | Promise]] = {
    "client": gettext_lazy("The client’s own list"),
    "agency": gettext_lazy("The agency’s list, which holds for all its clients"),
    "operator": gettext_lazy("The operator’s list, which holds for everybody"),
}
REGISTER_LEVELS: Final[dict[str, str | Promise]] = {
    "client": gettext_lazy("the client’s own register"),
    "agency": gettext_lazy("the agency’s register for all its clients"),
    "operator": gettext_lazy("the operator’s register for everybody"),
}
ZONE_SOURCES: Final[dict[str, str | Promise]] = {
    "given": gettext_lazy("as the list says"),
    "number": gettext_lazy("by the number"),
    "campaign": gettext_lazy("the campaign’s own"),
    "unknown": gettext_lazy("not known"),
}
_DESTINATIONS: Final[dict[str, str | Promise]] = {
    "": gettext_lazy("Allowed"),
    "premium": gettext_lazy("This is a premium number. Calls to it are blocked."),
    "satellite": gettext_lazy("This is a satellite number. Calls to it are blocked."),
    "country": gettext_lazy("Calls to this country are not allowed."),
    "prefix": gettext_lazy("Calls to numbers that begin like this are blocked."),
    "unknown": gettext_lazy("This is no number that can be called."),
}
# As `strftime` writes them; Django's own translations have the days in this order.
_DAYS: Final = dict(
    zip(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), range(7), strict=True)
)


def checked(name: str, ok: bool, **found: Any) -> Check:
    """Return a check as it is stored."""
    return {"check": name, "ok": ok, "found": found}


def without_proof(check: Check) -> Check:
    """Return a check without what was noted of a person's consent."""
    if check["check"] != "consent":
        return check
    if "detail" in check:
        return {**check, "detail": ""}
    found = {k: v for k, v in check["found"].items() if k != "proof"}
    return {**check, "found": found}


def name_of(check: str) -> str:
    """Return the label of a check; one without stays as it was recorded."""
    if check in NAMES:
        return str(NAMES[check])
    skips = {str(reason.value): str(reason.label) for reason in Lead.SkipReason}
    return skips.get(check, check)


def words_of(check: Check) -> str:
    """Return what a check found, as a sentence or a value."""
    if "detail" in check:
        return str(check["detail"])
    found, tell = check.get("found", {}), _WORDS.get(check["check"])
    if tell is None:
        said = str(found.get("said", ""))
        return _(said) if said else ""
    return tell(found)


def local_times(text: str) -> str:
    """Return what clocks show with the days in the reader's language: Thu 13:05."""
    return " ".join(
        str(WEEKDAYS_ABBR[_DAYS[word]]) if word in _DAYS else word
        for word in text.split(" ")
    )


def _lists(found: Found) -> str:
    if not found:
        return _("On none of the three lists")
    sources = {str(one.value): str(one.label) for one in SuppressionEntry.Source}
    return _("%(list)s: %(source)s") % {
        "list": LEVELS.get(found["level"], found["level"]),
        "source": sources.get(found["source"], found["source"]),
    }


def _registers(found: Found) -> str:
    names = ", ".join(
        f"{one['name']} ({REGISTER_LEVELS.get(one['level'], one['level'])})"
        for one in found["asked"]
    )
    match found.get("answer", ""):
        case "listed":
            return _("Listed in %(register)s") % {"register": names}
        case "silent":
            return _("%(register)s does not answer") % {"register": names}
        case "unasked":
            return _("%(register)s has not been asked yet") % {"register": names}
    return _("Not listed in %(registers)s") % {"registers": names}


def _consent(found: Found) -> str:
    bases = {str(one.value): str(one.label) for one in Lead.ConsentBasis}
    on_record = bases.get(found.get("basis", ""), "")
    if found.get("proof"):
        on_record = _("%(basis)s, proof: %(proof)s") % {
            "basis": on_record,
            "proof": found["proof"],
        }
    if found.get("basis") is None:
        on_record = found.get("note") or _("Declared for the whole list")
    elif not on_record:
        on_record = _("None on record")
    if found.get("needed"):
        return _("%(consent)s (needed there)") % {"consent": on_record}
    return _("%(consent)s (not asked for there)") % {"consent": on_record}


def _destination(found: Found) -> str:
    why = found.get("why", "")
    return str(_DESTINATIONS.get(why, why))


def _time_zone(found: Found) -> str:
    if not found.get("zones"):
        return _("Not known")
    zones = ", ".join(found["zones"]) + ("…" if found.get("more") else "")
    source = found["source"]
    return f"{zones} ({ZONE_SOURCES.get(source, source)})"


def _hours(found: Found) -> str:
    local = local_times(found["local"])
    if not found.get("regions"):
        return local
    return _("%(time)s, by the rules of %(regions)s") % {
        "time": local,
        "regions": ", ".join(found["regions"]),
    }


def _person(found: Found) -> str:
    made = ngettext(
        "%(count)d call in 24 hours", "%(count)d calls in 24 hours", found["made"]
    ) % {"count": found["made"]}
    parts = [made, _("no cap")]
    if found.get("cap") is not None:
        parts = [made, _("at most %(cap)d") % {"cap": found["cap"]}]
    if found.get("gap_s"):
        parts.append(_("%(seconds)d s apart") % {"seconds": found["gap_s"]})
    return ", ".join(parts)


def _caller(found: Found) -> str:
    if not found:
        return _("All numbers have made their calls of the day")
    if "used" not in found:  # one number without a cap: nobody counts its calls
        return _("%(number)s, as often as needed") % {"number": found["number"]}
    return ngettext(
        "%(number)s, %(count)d call today",
        "%(number)s, %(count)d calls today",
        found["used"],
    ) % {"number": found["number"], "count": found["used"]}


def _attempts(found: Found) -> str:
    return _("%(made)s of %(limit)s") % {"made": found["number"], "limit": found["of"]}


def _pace(found: Found) -> str:
    at = datetime.fromisoformat(found["at"])
    moment = f"{at:%H:%M:%S}.{at.microsecond // 1000:03d} UTC"
    return _("%(moment)s on trunk %(trunk)s") % {
        "moment": moment,
        "trunk": found["trunk"],
    }


def _credit(found: Found) -> str:
    return _("%(seconds)d s held at %(price)s credits a minute") % {
        "seconds": found["held_s"],
        "price": local_credits(found["price"]),
    }


def _voice(found: Found) -> str:
    return _("A place on process %(process)s") % {"process": found["node"]}


_WORDS: Final[dict[str, Callable[[Found], str]]] = {
    "attempts": _attempts,
    "caller_id": _caller,
    "campaign_hours": _hours,
    "consent": _consent,
    "credit": _credit,
    "destination": _destination,
    "legal_hours": _hours,
    "lists": _lists,
    "pace": _pace,
    "person": _person,
    "registers": _registers,
    "suppressed": _lists,
    "time_zone": _time_zone,
    "voice": _voice,
}
