"""The fields of a campaign over REST: read from a body, and shown again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from assistants.models import Assistant
from assistants.queries import visible_assistants
from calls.models import PhoneNumber
from calls.queries import visible_numbers
from campaigns.api_shapes import CampaignBody
from campaigns.models import Campaign
from campaigns.retries import BadRule, parse_rules, rules_json
from common.money import MICROCREDITS_PER_CREDIT, format_credits
from common.windows import (
    DAY_MIN,
    WHOLE_WEEK,
    BadWindow,
    Span,
    Week,
    clock_text,
    every_day,
)
from portal.api.errors import InvalidRequest
from portal.api.paging import given

# Body field → model field, for those that go over as they are.
_PLAIN: Final = {
    "name": "name",
    "system_message_template": "system_message_template",
    "max_concurrent_calls": "max_concurrent_calls",
    "max_attempts": "max_attempts",
    "retry_delay_seconds": "retry_delay_s",
    "closed_on_holidays": "is_closed_on_holidays",
    "use_campaign_timezone": "uses_own_zone",
    "unknown_timezone": "unknown_zone",
    "dropped_below_seconds": "dropped_below_s",
    "weight": "weight",
    "local_presence": "has_local_presence",
    "consent": "consent_rule",
    "consent_note": "consent_note",
    "opt_out_digit": "opt_out_digit",
    "variant_percent": "variant_percent",
    "timezone": "time_zone",
}
# Where null has a meaning: none.
_NULLABLE: Final = {
    "start_date": "starts_on",
    "end_date": "ends_on",
    "number_daily_cap": "number_daily_cap",
}


def sent_fields(
    wanted: CampaignBody, current: Campaign | None = None
) -> dict[str, Any]:
    """Return the model's fields that a body sets; of most, null means unchanged.

    Raises `InvalidRequest` naming the field that makes no sense.
    """
    found = {field: given(wanted, name) for name, field in _PLAIN.items()}
    fields = {field: value for field, value in found.items() if value is not None}
    sent = wanted.model_fields_set
    fields |= {f: getattr(wanted, n) for n, f in _NULLABLE.items() if n in sent}
    fields |= _hours(wanted, current)
    if wanted.timezone is not None and wanted.timezone not in available_timezones():
        raise InvalidRequest(
            "Name a time zone such as Europe/Amsterdam.", param="timezone"
        )
    if wanted.days_off is not None:
        fields["days_off"] = sorted({day.isoformat() for day in wanted.days_off})
    if wanted.retry_rules is not None:
        fields["retry_rules"] = _rules(wanted.retry_rules)
    if "budget_credits" in sent:
        fields["budget_microcredits"] = _microcredits(wanted.budget_credits)
    if "variant_assistant_id" in sent:
        fields["variant_assistant"] = _assistant(wanted.variant_assistant_id)
    _check_dates(fields, current)
    _check_comparison(fields, current)
    return fields


def _hours(wanted: CampaignBody, current: Campaign | None) -> dict[str, Any]:
    if wanted.hours is not None:
        try:
            week = Week.parse(wanted.hours)
        except BadWindow as error:
            raise InvalidRequest(str(error), param="hours") from error
        if not week.minutes:
            raise InvalidRequest("Name some hour in which to call.", param="hours")
        return {"hours": week.as_json()}
    start, end = wanted.schedule_start_time, wanted.schedule_end_time
    if start is None and end is None:
        return {}
    first, last = daily_span(current.week if current else WHOLE_WEEK)
    start_min = first if start is None else _minute(start)
    end_min = last if end is None else _minute(end, is_end=True)
    if start_min == end_min:
        raise InvalidRequest(
            "The window ends when it starts.", param="schedule_end_time"
        )
    if start_min < end_min:
        return {"hours": every_day(start_min, end_min).as_json()}
    # Over midnight: the evening of each day and the morning of each.
    spans = [Span(start_min, DAY_MIN)]
    if end_min:
        spans.append(Span(0, end_min))
    return {"hours": Week.of([spans] * 7).as_json()}


def _minute(at: time, *, is_end: bool = False) -> int:
    minute = at.hour * 60 + at.minute
    # 23:59 and 23:59:59 are how people write the end of the day.
    return DAY_MIN if is_end and minute == DAY_MIN - 1 else minute


def daily_span(week: Week) -> tuple[int, int]:
    """Return the first and the last minute in which it is open on any day."""
    spans = [span for spans in week.days for span in spans]
    if not spans:
        return 0, DAY_MIN
    return min(s.start_min for s in spans), max(s.end_min for s in spans)


def time_text(minute: int) -> str:
    """Return a minute of the day as 09:30:00; its end is 23:59:59."""
    return "23:59:59" if minute == DAY_MIN else f"{clock_text(minute)}:00"


def _rules(value: dict[str, Any]) -> dict[str, Any]:
    try:
        return rules_json(parse_rules(value))
    except BadRule as error:
        raise InvalidRequest(str(error), param="retry_rules") from error


def _microcredits(value: Decimal | None) -> int | None:
    return None if value is None else int(value * MICROCREDITS_PER_CREDIT)


def _assistant(assistant_id: UUID | None) -> Assistant | None:
    if assistant_id is None:
        return None
    found = visible_assistants().filter(pk=assistant_id).first()
    if found is None:
        raise InvalidRequest(
            "There is no such assistant.", param="variant_assistant_id"
        )
    return found


def _check_dates(fields: dict[str, Any], current: Campaign | None) -> None:
    start: date | None = fields.get("starts_on", current and current.starts_on)
    end: date | None = fields.get("ends_on", current and current.ends_on)
    if start and end and end < start:
        raise InvalidRequest("It ends before it starts.", param="end_date")


def _check_comparison(fields: dict[str, Any], current: Campaign | None) -> None:
    names = ("variant_assistant", "variant_percent")
    other, percent = (fields.get(n, current and getattr(current, n)) for n in names)
    if other is not None and not percent and not fields.keys().isdisjoint(names):
        raise InvalidRequest(
            "Say how many of a hundred people get the second assistant.",
            param="variant_percent",
        )


def chosen_numbers(ids: Iterable[UUID]) -> tuple[PhoneNumber, ...]:
    """Return the further numbers of a pool, or refuse the first that is not there."""
    wanted = list(dict.fromkeys(ids))
    known = visible_numbers().filter(is_active=True, pk__in=wanted)
    found = {number.pk: number for number in known}
    for index, number_id in enumerate(wanted):
        if number_id not in found:
            raise InvalidRequest(
                "There is no such active number.", param=f"number_ids[{index}]"
            )
    return tuple(found[number_id] for number_id in wanted)


def settings_json(campaign: Campaign, time_zone: str) -> dict[str, Any]:
    """Return the fields of a campaign that say when and how it calls."""
    first, last = daily_span(campaign.week)
    budget = campaign.budget_microcredits
    return {
        "schedule_start_time": time_text(first),
        "schedule_end_time": time_text(last),
        "timezone": campaign.time_zone or time_zone,
        "hours": campaign.week.as_json(),
        "days_off": campaign.days_off,
        "closed_on_holidays": campaign.is_closed_on_holidays,
        "start_date": campaign.starts_on,
        "end_date": campaign.ends_on,
        "use_campaign_timezone": campaign.uses_own_zone,
        "unknown_timezone": campaign.unknown_zone,
        "max_concurrent_calls": campaign.max_concurrent_calls,
        "max_attempts": campaign.max_attempts,
        "retry_delay_seconds": campaign.retry_delay_s,
        "retry_rules": campaign.retry_rules,
        "dropped_below_seconds": campaign.dropped_below_s,
        "weight": campaign.weight,
        "budget_credits": None if budget is None else format_credits(budget),
        "spent_credits": format_credits(campaign.spent_microcredits),
        "local_presence": campaign.has_local_presence,
        "number_daily_cap": campaign.number_daily_cap,
        "consent": campaign.consent_rule,
        "consent_note": campaign.consent_note or None,
        "opt_out_digit": campaign.opt_out_digit or None,
        "variant_assistant_id": campaign.variant_assistant_id,
        "variant_percent": campaign.variant_percent,
    }
