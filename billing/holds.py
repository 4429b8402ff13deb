"""Credits of calls: put aside before, extended while, and settled after.

A client's call costs twice: the client pays its agency out of its wallet, the agency
pays the platform out of its own, the pool. Both are held or neither. An agency's own
call costs the pool alone, at the pool's price.

Billing knows no calls. A hold lives until `expires_at`, and whoever carries the call
moves that forward with `extend_hold` while it lives; when the carrier died, the sweeper
gives the credits back. A call that was alive all the same (its process hung, say) is
not lost: `extend_hold` takes the credits again, and `settle_call` charges the wallet as
far as it reaches and writes down what it could not pay.

Who may do this is whoever may see the call's organization: another organization's call
has no hold (`UnknownHold`). The writing itself is `billing.ledger.post`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from billing.errors import NotEnoughCredits, UnknownHold
from billing.ledger import money_scope, open_accounts, post
from billing.models import Hold
from common.ids import uuid7
from portal.models import Organization
from portal.scope import agency_scope, all_organizations, require_scope

logger = logging.getLogger(__name__)

MIN_SECONDS: Final = 10
SWEEP_BATCH: Final = 100
CALL: Final = "call"

# Wallets of the payers, locked: the organization's own first, the pool last. Then the
# longest call that every payer can pay for.
_HOLD: Final = """
payer as (
  select id as wallet_id, organization_id, agency_id, balance_microcredits as balance,
    organization_id = agency_id as is_pool,
    case when organization_id = agency_id then %(pool_price)s::bigint
         else %(client_price)s::bigint end as price
  from billing_account
  where organization_id in (%(organization_id)s, %(agency_id)s) and kind = 'wallet'
  order by organization_id = agency_id
  for no key update
), quote as (
  select payer.*, case when price = 0 then %(seconds)s
    else least(%(seconds)s, div(balance::numeric * 60, price)) end::int as seconds
  from payer
), offer as (
  select count(*) as wallets, min(seconds) as seconds from quote
), fact as (
  select 'hold' as kind, 'call:' || %(call_id)s::text || ':hold' as key,
    %(organization_id)s::uuid as organization_id, %(agency_id)s::uuid as agency_id,
    'call' as source, %(call_id)s::uuid as source_id, '' as memo,
    jsonb_build_object('seconds', seconds) as details, null::uuid as actor_id
  from offer
  where wallets = %(payers)s and seconds >= least(%(seconds)s, %(min_seconds)s)
), take as (
  select payer.*, offer.seconds,
    div(offer.seconds::numeric * price + 59, 60)::bigint as amount
  from payer cross join offer
), leg as (
  select part.account_id, part.amount
  from take
  join billing_account held
    on held.organization_id = take.organization_id and held.kind = 'held'
  cross join lateral (values (take.wallet_id, -take.amount), (held.id, take.amount))
    as part (account_id, amount)
)
"""
_HOLD_ROWS: Final = """
held_rows as (
  insert into billing_hold (organization_id, agency_id, account_id, source, source_id,
    price_microcredits_per_minute, seconds, amount_microcredits, settled_microcredits,
    shortfall_microcredits, state, expires_at, created_at)
  select organization_id, agency_id, wallet_id, 'call', %(call_id)s, price, seconds, amount, 0, 0, 'active', %(expires_at)s,
    entry.created_at
  from take cross join entry
)
"""
_HOLD_RESULT: Final = """
select (select count(*) from entry), offer.wallets, offer.seconds,
  (select quote.seconds from quote where quote.organization_id = %(organization_id)s)
from offer
"""

# The holds of a call, then its payers' wallets, locked in the same order. `mine` is
# whether the call's own organization is the one in scope.
_PAYERS: Final = """
found as (
  select id, organization_id, agency_id, account_id, state, seconds, expires_at,
    price_microcredits_per_minute as price, settled_microcredits as settled,
    organization_id = agency_id as is_pool,
    case when state = 'active' then amount_microcredits else 0 end as held
  from billing_hold
  where source_id = %(call_id)s and source = 'call'
  order by organization_id = agency_id
  for no key update {skip_locked}
), owner as (
  select organization_id, agency_id, price,
    %(only)s::uuid is null or organization_id = %(only)s::uuid as mine
  from found order by is_pool limit 1
), payer as (
  select found.*, wallet.id as wallet_id, wallet.balance_microcredits as balance
  from found join billing_account wallet on wallet.id = found.account_id
  where {open} and (select mine from owner)
  order by found.is_pool
  for no key update of wallet
)
"""
_STILL_OPEN: Final = "found.state in ('active', 'expired')"

_EXTEND: Final = (
    _PAYERS.format(skip_locked="", open=_STILL_OPEN)
    + """
, offer as (
  select greatest(
    max(case when state = 'active' then seconds else 0 end),
    min(case when price = 0 then %(seconds)s
      else least(%(seconds)s, div((balance + held)::numeric * 60, price)) end)
  )::int as seconds,
  max(case when state = 'active' then seconds else 0 end) as before
  from payer
), take as (
  select payer.*, offer.seconds as covered,
    div(offer.seconds::numeric * price + 59, 60)::bigint as amount
  from payer cross join offer
  where offer.seconds > 0
), fact as (
  select 'hold' as kind, 'call:' || %(call_id)s::text || ':extend:' || %(entry_id)s::text as key,
    organization_id, agency_id, 'call' as source, %(call_id)s::uuid as source_id,
    '' as memo, jsonb_build_object('seconds', offer.seconds) as details,
    null::uuid as actor_id
  from owner cross join offer
  where offer.seconds > offer.before
), leg as (
  select part.account_id, part.amount
  from take
  join billing_account held
    on held.organization_id = take.organization_id and held.kind = 'held'
  cross join lateral (values
      (take.wallet_id, take.held - take.amount), (held.id, take.amount - take.held))
    as part (account_id, amount)
)
"""
)
_EXTEND_ROWS: Final = """
extended as (
  update billing_hold
  set seconds = take.covered, amount_microcredits = take.amount, state = 'active',
    expires_at = greatest(billing_hold.expires_at, %(expires_at)s)
  from take where billing_hold.id = take.id
)
"""
_EXTEND_RESULT: Final = """
select (select mine from owner), coalesce((select seconds from offer), 0)
"""

_CLOSE: Final = """
, bill as (
  select payer.*, due, least(due, case when state = 'active' then held else balance end)
    as charged
  from payer
  cross join lateral (select div(%(seconds)s::numeric * price + 59, 60)::bigint as due) as d
), fact as (
  select %(kind)s as kind, %(key)s as key, organization_id, agency_id, 'call' as source,
    %(call_id)s::uuid as source_id, '' as memo,
    jsonb_build_object('seconds', %(seconds)s::int, 'microcredits_per_minute', price,
      'shortfall_microcredits', (select due - charged from bill order by is_pool limit 1))
      as details,
    null::uuid as actor_id
  from owner where exists (select from payer)
), leg as (
  select part.account_id, part.amount
  from bill
  join billing_account held
    on held.organization_id = bill.organization_id and held.kind = 'held'
  join billing_account usage
    on usage.organization_id = bill.organization_id and usage.kind = 'usage'
  cross join lateral (values
      (bill.wallet_id, bill.held - bill.charged), (held.id, -bill.held),
      (usage.id, bill.charged))
    as part (account_id, amount)
)
"""
_SETTLE: Final = _PAYERS.format(skip_locked="", open=_STILL_OPEN) + _CLOSE
_EXPIRE: Final = (
    _PAYERS.format(
        skip_locked="skip locked",
        open="""found.state = 'active' and found.expires_at <= %(now)s
    and (select count(*) from found) = (select count(*) from billing_hold
      where source_id = %(call_id)s and source = 'call')""",
    )
    + _CLOSE
)
_CLOSE_ROWS: Final = """
closed as (
  update billing_hold
  set state = %(state)s, settled_microcredits = bill.charged,
    shortfall_microcredits = bill.due - bill.charged, closed_at = entry.created_at
  from bill cross join entry where billing_hold.id = bill.id
)
"""
_CLOSE_RESULT: Final = """
select (select mine from owner), (select count(*) from entry),
  coalesce((select sum(due - charged) from bill), 0)::bigint,
  (select coalesce(bill.charged, found.settled)
    from found left join bill on bill.id = found.id
    order by found.is_pool limit 1),
  (select coalesce(bill.charged, found.settled)
    from found left join bill on bill.id = found.id
    where found.is_pool)
"""


@dataclass(frozen=True)
class HeldSeconds:
    """How long a call may last with what has been put aside for it."""

    seconds: int


@dataclass(frozen=True)
class CallCost:
    """What a call cost its organization, and what it cost the agency's pool.

    For an agency's own call both are the same sum, taken once.
    """

    cost_microcredits: int
    pool_cost_microcredits: int


def hold_for_call(
    *,
    call_id: UUID,
    organization: Organization,
    seconds: int,
    client_price: int,
    pool_price: int,
    expires_at: datetime,
) -> HeldSeconds:
    """Put aside what `seconds` of a call cost, in both wallets or in neither.

    Prices are microcredits a minute. When the poorer payer cannot pay for all of it,
    as much as it can pay for is held, but no less than `MIN_SECONDS`; else raises
    `NotEnoughCredits`. Once for each call: again, it returns what was held.
    """
    if seconds <= 0 or client_price < 0 or pool_price < 0:
        raise ValueError("Hold for at least a second, at a price not below zero.")
    params = {
        "call_id": call_id,
        "organization_id": organization.pk,
        "agency_id": organization.agency_id,
        "payers": 1 if organization.is_agency else 2,
        "client_price": client_price,
        "pool_price": pool_price,
        "seconds": seconds,
        "min_seconds": MIN_SECONDS,
        "expires_at": expires_at,
    }
    with money_scope(organization):
        made, wallets, covered, own = _hold(params)
        if wallets < params["payers"]:
            _open_payers(organization)
            made, wallets, covered, own = _hold(params)
        if made:
            return HeldSeconds(covered)
        first = Hold.objects.filter(source=CALL, source_id=call_id).first()
    if first is not None:
        return HeldSeconds(first.seconds)
    if organization.is_agency or own < min(seconds, MIN_SECONDS):
        raise NotEnoughCredits(organization.pk, "organization", affordable_seconds=own)
    raise NotEnoughCredits(organization.agency_id, "agency", affordable_seconds=covered)


def _hold(params: dict[str, Any]) -> tuple[Any, ...]:
    return post(_HOLD, _HOLD_RESULT, params, also=_HOLD_ROWS)


def _open_payers(organization: Organization) -> None:
    open_accounts(organization)
    if organization.parent is not None:
        open_accounts(organization.parent)


def extend_hold(*, call_id: UUID, total_seconds: int, expires_at: datetime) -> int:
    """Cover a call up to `total_seconds` from its start; return how many are covered.

    Fewer when a wallet runs low, in both wallets alike; never raises for money. What is
    covered never shrinks and `expires_at` never moves back. A hold that expired is
    taken anew; for a call that is settled or released nothing is covered: 0.
    """
    if total_seconds <= 0:
        raise ValueError("Cover at least a second.")
    with _call_scope() as only:
        mine, seconds = post(
            _EXTEND,
            _EXTEND_RESULT,
            {
                "call_id": call_id,
                "only": only,
                "seconds": total_seconds,
                "expires_at": expires_at,
            },
            also=_EXTEND_ROWS,
        )
    if not mine:
        raise UnknownHold(str(call_id))
    return int(seconds)


def settle_call(*, call_id: UUID, seconds: int) -> CallCost:
    """Charge a call exactly once and give the rest back, in one entry.

    A second call returns the first result, whatever it says. Zero seconds release. The
    cost is capped at what is held, for a call is ended before its credits are; once the
    hold expired, at what the wallet has. What stays unpaid is kept on the hold, and the
    client's part in the entry's details.
    """
    if seconds < 0:
        raise ValueError("A call does not last less than nothing.")
    with _call_scope() as only:
        mine, _, shortfall, cost, pool_cost = post(
            _SETTLE, _CLOSE_RESULT, _closing(call_id, seconds, only), also=_CLOSE_ROWS
        )
    if not mine:
        raise UnknownHold(str(call_id))
    if shortfall:
        logger.warning(
            "A call was longer than its credits.",
            extra={"call": str(call_id), "shortfall_microcredits": shortfall},
        )
    return CallCost(cost, pool_cost)


def release_hold(*, call_id: UUID) -> bool:
    """Give back what a call holds; return whether this did it.

    False when it was settled or released before, or never held anything.
    """
    with _call_scope() as only:
        _, made, *_ = post(
            _SETTLE, _CLOSE_RESULT, _closing(call_id, 0, only), also=_CLOSE_ROWS
        )
    return bool(made)


def release_expired_holds(now: datetime) -> int:
    """Give back what nobody kept alive; return for how many calls.

    Each call is a transaction of its own, so a sweeper may die anywhere, and a call that
    another process is working on is left alone. Any number may run at once.
    """
    released = 0
    with all_organizations("a hold expires whoever owns it"):
        while True:
            calls = list(
                Hold.objects.filter(state=Hold.State.ACTIVE, expires_at__lte=now)
                .order_by("expires_at")
                .values_list("source_id", flat=True)[:SWEEP_BATCH]
            )
            made = sum(_expire(call_id, now) for call_id in dict.fromkeys(calls))
            released += made
            if not made or len(calls) < SWEEP_BATCH:
                return released


def _expire(call_id: UUID, now: datetime) -> int:
    params = {
        **_closing(call_id, 0, None),
        "key": f"call:{call_id}:expire:{uuid7()}",
        "state": Hold.State.EXPIRED.value,
        "now": now,
    }
    _, made, *_ = post(_EXPIRE, _CLOSE_RESULT, params, also=_CLOSE_ROWS)
    return int(made)


def _closing(call_id: UUID, seconds: int, only: UUID | None) -> dict[str, Any]:
    state = Hold.State.SETTLED if seconds else Hold.State.RELEASED
    return {
        "call_id": call_id,
        "only": only,
        "seconds": seconds,
        "kind": "settle" if seconds else "release",
        "key": f"call:{call_id}:settle",
        "state": state.value,
    }


@contextmanager
def _call_scope() -> Iterator[UUID | None]:
    """Widen the scope to the agency; give the one organization whose calls are meant."""
    scope = require_scope()
    if scope.agency_id is None:
        yield None
        return
    with agency_scope(scope.agency_id):
        yield scope.organization_id
