"""Telling an organization that its credits run low, before they are gone.

    days    at the pace of the last week they last no longer than so many days
    level   there are fewer than so many
    gone    they pay for no call any more

A worse state is told once; when things are better again, the next time is told anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from billing.models import CreditWatch
from billing.payments.effects import page_address
from billing.signals import credits_arrived, credits_exhausted
from common.local_numbers import lazy_number
from common.money import MICROCREDITS_PER_CREDIT, round_credits
from portal.mail import send_mail
from portal.models import Membership, Organization, Role
from portal.scope import Scope, all_organizations, scoped
from portal.webhooks import record_event

STATES: Final = ("", "days", "level", "gone")
WEEK: Final = timedelta(days=7)
# Below this no call is worth starting: ten seconds at a credit a minute.
GONE_BELOW: Final = MICROCREDITS_PER_CREDIT // 6

_LOOK: Final = """
select w.organization_id, w.agency_id,
  w.balance_microcredits + w.credit_line_microcredits,
  coalesce(watch.level_microcredits, %(level)s), coalesce(watch.days_left, %(days)s),
  coalesce(watch.told, ''), used.microcredits
from billing_account w
join billing_account issued
  on issued.organization_id = w.organization_id and issued.kind = 'issued'
  and issued.balance_microcredits < 0
left join billing_creditwatch watch on watch.organization_id = w.organization_id
cross join lateral (
  select coalesce(sum(a.balance_microcredits - coalesce((
    select p.balance_after_microcredits from billing_posting p
    where p.account_id = a.id and p.created_at < %(since)s
    order by p.created_at desc, p.id desc limit 1), 0)), 0)::bigint as microcredits
  from billing_account a
  where a.organization_id = w.organization_id and a.kind in ('usage', 'models')
) used
where w.kind = 'wallet'
"""


@dataclass(frozen=True)
class Outlook:
    """How much there is, and how long it lasts at the pace of the last week."""

    available: int
    used_in_week: int

    @property
    def days_left(self) -> float | None:
        """None when nothing was used, so that there is no pace."""
        if self.used_in_week <= 0:
            return None
        return max(0, self.available) * 7 / self.used_in_week

    def state(self, level: int, days: int) -> str:
        """Return the worst of the states that hold."""
        if self.available < GONE_BELOW:
            return "gone"
        if self.available < level:
            return "level"
        if self.days_left is not None and self.days_left < days:
            return "days"
        return ""


def outlook_of(organization: Organization, now: datetime) -> Outlook:
    """Return an organization's outlook; for its own pages."""
    for row in _look(now, organization.pk):
        return Outlook(int(row[2]), int(row[6]))
    return Outlook(0, 0)


def watch_credits(now: datetime) -> int:
    """Tell everyone whose state got worse; return how many were told."""
    told = 0
    for organization_id, agency_id, available, level, days, before, used in _look(now):
        state = Outlook(int(available), int(used)).state(int(level), int(days))
        if state == before:
            continue
        with scoped(Scope(agency_id, None)), transaction.atomic():
            organization = Organization.objects.select_related("parent").get(
                pk=organization_id
            )
            if not _claim(organization, before, state, now):
                continue
            if STATES.index(state) > STATES.index(before):
                _tell(organization, state, Outlook(int(available), int(used)), now)
                told += 1
            elif before == "gone":
                _say(credits_arrived, organization_id)
    return told


def _look(now: datetime, only: UUID | None = None) -> list[tuple[Any, ...]]:
    fields = CreditWatch._meta
    params = {
        "since": now - WEEK,
        "level": fields.get_field("level_microcredits").get_default(),
        "days": fields.get_field("days_left").get_default(),
        "only": only,
    }
    where = " and w.organization_id = %(only)s" if only else ""
    with (
        all_organizations("credits run low whoever owns them"),
        connection.cursor() as cursor,
    ):
        cursor.execute(_LOOK + where, params)
        return list(cursor.fetchall())


def watch_of(organization: Organization) -> CreditWatch:
    """Return an organization's wishes, with what holds when it has none yet."""
    CreditWatch.objects.bulk_create(
        [CreditWatch(organization=organization, agency_id=organization.agency_id)],
        ignore_conflicts=True,
    )
    return CreditWatch.objects.get(organization=organization)


def unpaid_message(organization_id: UUID) -> str:
    """Return what a caller hears when the organization has no credits for the call."""
    found = CreditWatch.objects.filter(organization=organization_id)
    return found.values_list("unpaid_message", flat=True).first() or ""


def _claim(organization: Organization, before: str, state: str, now: datetime) -> bool:
    watch_of(organization)
    return bool(
        CreditWatch.objects.filter(organization=organization, told=before).update(
            told=state, told_at=now
        )
    )


def _tell(
    organization: Organization, state: str, outlook: Outlook, now: datetime
) -> None:
    watch = CreditWatch.objects.get(organization=organization)
    left = round_credits(outlook.available)
    for to in readers(organization, watch):
        send_mail(
            organization=organization,
            template="credits_low",
            to=to,
            context={
                "organization_name": organization.name,
                "credits_left": lazy_number(left),
                "threshold": lazy_number(round_credits(watch.level_microcredits)),
                "url": page_address(organization, "billing_buy"),
            },
            idempotency_key=f"credits:{state}:{now.isoformat()}:{to}",
        )
    kind = "credits.exhausted" if state == "gone" else "credits.low"
    days = outlook.days_left
    record_event(
        organization=organization,
        kind=kind,
        data={
            "credits": {
                "available": left,
                "days_left": None if days is None else round(days, 1),
                "state": state,
            }
        },
    )
    if state == "gone":
        _say(credits_exhausted, organization.pk)


def readers(organization: Organization, watch: CreditWatch | None) -> list[str]:
    """Return who is told: those named, else owners and admins."""
    if watch is not None and watch.mail_to:
        return [part.strip() for part in watch.mail_to.split(",") if part.strip()]
    members = Membership.objects.filter(
        organization=organization, role__in=[Role.OWNER, Role.ADMIN]
    ).select_related("user")
    return [member.user.email for member in members]


def _say(signal: Signal, organization_id: UUID) -> None:
    transaction.on_commit(
        lambda: signal.send_robust(
            sender=Organization, organization_id=organization_id
        ),
        robust=True,
    )


REASONS: Final = {
    "too_fast": _(
        "Three automatic top-ups within ten minutes. Something uses credits "
        "faster than it should: have a look, then switch automatic top-up on again."
    ),
    "declined": _(
        "The card was declined four times. Save another card, then switch "
        "automatic top-up on again."
    ),
    "cap": _(
        "Automatic top-up reached the cap of this month and goes on with the next."
    ),
    "no_package": _(
        "The package that automatic top-up buys is no longer offered. "
        "Choose another one."
    ),
}


def tell_recharge_stopped(
    organization: Organization, reason: str, now: datetime
) -> None:
    """Mail whoever looks after the credits that no more are bought by themselves."""
    watch = CreditWatch.objects.filter(organization=organization).first()
    for to in readers(organization, watch):
        send_mail(
            organization=organization,
            template="notice",
            to=to,
            context={
                "subject": _("Automatic top-up stopped"),
                "message": REASONS[reason],
                "url": page_address(organization, "billing_recharge"),
            },
            idempotency_key=f"recharge:{reason}:{now.isoformat()}:{to}",
        )
