"""Finding calls: the list with its filters, and the one gate to a single call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import QuerySet, Sum
from django.http import Http404
from django.utils import timezone

from assistants.models import Assistant
from calls.models import Call, PhoneNumber, Transfer, Trunk, Widget
from portal.models import Organization
from portal.postgresql.prepared import prepared_cursor
from portal.visibility import sight

SHOWN = ("assistant", "number")
HANDS: Final = ("taken_over", "given_back")  # the events that say who has the caller
# For every page of every list: Django would take longer to write it than it takes to run.
_COUNT: Final = "select total from calls_callcount where organization_id = %s"


def _seen() -> QuerySet[Call]:
    """Return the calls of the assistants that the person at hand may see."""
    rows = Call.objects.all()
    if (seen := sight().assistants) is not None:
        rows = rows.filter(assistant__in=seen)
    return rows


def seconds_this_month(organization: Organization) -> int:
    """Return what was billed of an organization's calls since its month began."""
    month = timezone.localtime(timezone=ZoneInfo(organization.time_zone)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    found = Call.objects.filter(organization=organization, created_at__gte=month)
    return int(found.aggregate(sum=Sum("billed_seconds", default=0))["sum"])


def visible_calls() -> QuerySet[Call]:
    """Return the scope's calls, newest first, with what a list shows and no blobs."""
    return (
        _seen()
        .select_related(*SHOWN)
        .defer(
            "waveform",
            "usage",
            "quality",
            "variables",
            "overrides",
            "metadata",
            "summary",
        )
    )


def count_calls(organization: Organization) -> int:
    """Return how many calls an organization has; the database keeps the number."""
    with prepared_cursor() as cursor:
        cursor.execute(_COUNT, [organization.pk])
        found = cursor.fetchone()
    return found[0] if found else 0


def get_call(call_id: UUID) -> Call:
    """Return one; absent and another organization's are the same 404."""
    call = (
        _seen()
        .select_related(*SHOWN, "version", "organization", "trunk", "analysis")
        .filter(pk=call_id)
        .first()
    )
    if call is None:
        raise Http404("No such call.")
    return call


def is_with_a_person(call: Call) -> bool:
    """Whether somebody has taken the caller over, so that the assistant has left."""
    return has_assistant_left(
        call.events.filter(kind__in=HANDS).values_list("kind", flat=True),
        call.transfers.values_list("status", flat=True),
    )


def has_assistant_left(kinds: Iterable[str], transfers: Iterable[str]) -> bool:
    """Whether a call's events and transfers say that a person has the caller.

    They are counted, not compared by time: the page's process writes down who takes a
    caller, the voice process who gives them back, and their clocks may differ.
    """
    hands = Counter(kinds)
    return (
        hands["taken_over"] > hands["given_back"]
        or Transfer.Status.BRIDGED in transfers
    )


def visible_numbers() -> QuerySet[PhoneNumber]:
    """Return the scope's numbers with the assistant that answers each."""
    return PhoneNumber.objects.select_related(
        "assistant", "organization", "trunk", "transfer_trunk"
    )


def get_number(number_id: UUID) -> PhoneNumber:
    """Return one; absent and another organization's are the same 404."""
    number = visible_numbers().filter(pk=number_id).first()
    if number is None:
        raise Http404("No such number.")
    return number


def visible_trunks() -> QuerySet[Trunk]:
    """Return the scope's trunks by name; their passwords stay sealed."""
    return Trunk.objects.select_related("organization").defer("auth_password")


def get_trunk(trunk_id: UUID) -> Trunk:
    """Return one; absent and another organization's are the same 404."""
    trunk = visible_trunks().filter(pk=trunk_id).first()
    if trunk is None:
        raise Http404("No such trunk.")
    return trunk


def filter_calls(
    calls: QuerySet[Call],
    *,
    status: str = "",
    direction: str = "",
    assistant_id: UUID | None = None,
    number: str = "",
    end_reason: str = "",
    first_day: date | None = None,
    last_day: date | None = None,
    time_zone: str = "UTC",
) -> QuerySet[Call]:
    """Narrow a list; empty values narrow nothing. Days are whole days in `time_zone`."""
    if status == "live":
        calls = calls.filter(status__in=Call.LIVE)
    elif status:
        calls = calls.filter(status=status)
    if direction:
        calls = calls.filter(direction=direction)
    if assistant_id:
        calls = calls.filter(assistant_id=assistant_id)
    if number:
        calls = calls.filter(callee_number__contains=number) | calls.filter(
            caller_number__contains=number
        )
    if end_reason:
        calls = calls.filter(end_reason=end_reason)
    if first_day:
        calls = calls.filter(created_at__gte=_midnight(first_day, time_zone))
    if last_day:
        calls = calls.filter(
            created_at__lt=_midnight(last_day + timedelta(days=1), time_zone)
        )
    return calls


def _midnight(day: date, time_zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(time_zone))


def find_widget_of(assistant: Assistant) -> Widget | None:
    """Return the assistant's widget; the assistant came through the scope."""
    return Widget.objects.filter(assistant=assistant).first()
