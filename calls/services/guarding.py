"""Refusing calls that look like fraud, before anything is held or dialed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_noop

from billing.ledger import wallet_balance
from calls.destinations import DestinationRules, Refusal, known_countries
from calls.errors import DestinationRefused, SpendingTooFast
from calls.models import Call, CallGuard
from portal.models import Organization, User
from portal.scope import agency_scope
from portal.services import audit

FIRST_DAY: Final = timedelta(days=1)
# What a new organization may place on its first day when nobody set another number:
# enough to try everything, too little for a stolen account to pay off.
FIRST_DAY_CALLS: Final = 500

_WHY: Final[dict[Refusal, str]] = {
    "premium": gettext_noop("This is a premium number. Calls to it are blocked."),
    "satellite": gettext_noop("This is a satellite number. Calls to it are blocked."),
    "country": gettext_noop("Calls to this country are not allowed."),
    "prefix": gettext_noop("Calls to numbers that begin like this are blocked."),
    "unknown": gettext_noop("This is no number that can be called."),
}


@dataclass(frozen=True)
class Guard:
    """What holds for one organization: the stricter of its agency's row and its own."""

    rules: DestinationRules = field(default_factory=DestinationRules)
    hourly_microcredits: int | None = None
    daily_microcredits: int | None = None
    first_day_calls: int = FIRST_DAY_CALLS


def guard_of(organization: Organization) -> Guard:
    """Return what holds; a number that is not set asks for nothing."""
    with agency_scope(organization.agency_id):
        rows = list(
            CallGuard.objects.filter(
                organization__in={organization.agency_id, organization.pk}
            )
        )
    if not rows:
        return Guard()
    rules = rows[0].rules()
    for row in rows[1:]:
        rules = rules.stricter(row.rules())
    first_day_calls = _least(row.first_day_calls for row in rows)
    return Guard(
        rules,
        _least(row.hourly_microcredits for row in rows),
        _least(row.daily_microcredits for row in rows),
        FIRST_DAY_CALLS if first_day_calls is None else first_day_calls,
    )


def _least(numbers: Any) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def check_destination(organization: Organization, number: str) -> None:
    """Raise `DestinationRefused` when the organization may not call this number."""
    require_destination(guard_of(organization), number)


def require_destination(guard: Guard, number: str) -> None:
    """Raise `DestinationRefused` for a number this guard keeps from being called."""
    if why := guard.rules.refusal(number):
        raise DestinationRefused(_WHY[why])


@dataclass(frozen=True)
class Pace:
    """What an organization has called and spent lately, in the windows that are limited.

    What is put aside for calls that go on counts as spent. The caller has locked the
    organization, so that two starts cannot both fit.
    """

    limits: Mapping[str, int]
    spent: Mapping[str, int]

    @classmethod
    def of(cls, organization: Organization, guard: Guard, now: datetime) -> Pace:
        windows: dict[str, Any] = {}
        limits: dict[str, int] = {}
        if now - organization.created_at < FIRST_DAY and not organization.is_agency:
            limits["first_day"] = guard.first_day_calls
            windows["first_day"] = Count(
                "pk", filter=Q(direction=Call.Direction.OUTBOUND)
            )
        if guard.hourly_microcredits:
            limits["hour"] = guard.hourly_microcredits
            windows["hour"] = Sum(
                "cost_microcredits", filter=Q(created_at__gte=now - timedelta(hours=1))
            )
        if guard.daily_microcredits:
            limits["day"] = guard.daily_microcredits
            windows["day"] = Sum("cost_microcredits")
        if not windows:
            return cls({}, {})
        spent = Call.objects.filter(
            organization=organization, created_at__gte=now - timedelta(days=1)
        ).aggregate(**windows)
        held = wallet_balance(organization).held
        return cls(
            limits,
            {
                window: (spent[window] or 0) + (0 if window == "first_day" else held)
                for window in windows
            },
        )

    def require(self, *, calls_out: int = 0, held: int = 0) -> None:
        """Raise `SpendingTooFast` when calls came, or cost, too much lately.

        `calls_out` and what is `held` for calls are those opened since.
        """
        for window, limit in self.limits.items():
            since = calls_out if window == "first_day" else held
            if self.spent[window] + since >= limit:
                raise SpendingTooFast(_TOO_FAST[window])


_TOO_FAST: Final = {
    "first_day": (
        "This organization is new and has used the calls of its first day. "
        "Contact support for more, or go on tomorrow."
    ),
    "hour": "The credits allowed for one hour are used. Try again later.",
    "day": "The credits allowed for one day are used. Try again tomorrow.",
}


class GuardRefused(ValueError):
    """A guard that cannot be; `field` names the choice at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def save_guard(
    *, organization: Organization, actor: User | None, **choices: Any
) -> CallGuard:
    """Change the choices given by name, or raise `GuardRefused` and change nothing."""
    _check_choices(choices)
    with agency_scope(organization.agency_id):
        row, _made = CallGuard.objects.select_for_update().get_or_create(
            organization=organization, defaults={"agency_id": organization.agency_id}
        )
        before = {name: getattr(row, name) for name in choices}
        for name, value in choices.items():
            setattr(row, name, value)
        row.save()
        audit.record(
            organization=organization,
            actor=actor,
            action="guard.changed",
            target=row,
            changes={name: [before[name], value] for name, value in choices.items()},
        )
    return row


def _check_choices(choices: dict[str, Any]) -> None:
    unknown = sorted(set(choices.get("countries", ())) - known_countries())
    if unknown:
        raise GuardRefused("countries", f"Unknown: {', '.join(unknown)}")
    for prefix in choices.get("blocked_prefixes", ()):
        if not (prefix.startswith("+") and prefix[1:].isdecimal()):
            raise GuardRefused(
                "blocked_prefixes", f"Write {prefix} with its country code, like +3290."
            )
    for name in ("hourly_microcredits", "daily_microcredits"):
        if (value := choices.get(name)) is not None and value <= 0:
            raise GuardRefused(name, "Enter a number above zero, or leave it empty.")
