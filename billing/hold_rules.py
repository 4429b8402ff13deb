"""The rules of holds, as the SQL that `billing.ledger.post` runs.

Each rule is the first part of one statement: it decides, and names what moves
(`fact` and `leg`, see `billing.ledger`). The parts that write holds (`…_ROWS`) and the
answer to the caller (`…_RESULT`) stand beside it. Nothing is ever pasted into a rule
but another constant: values are parameters.

A price is per minute and a cost is rounded up, `(seconds * price + 59) / 60`, as
`common.money.price_of_seconds` does; sums that could leave 64 bits are numeric.
"""

from __future__ import annotations

from typing import Final

# The wallets of the payers, and the longest call that each and all can pay for.
LOCK_PAYERS: Final = """
select id from billing_account
where organization_id in (%(organization_id)s, %(agency_id)s) and kind = 'wallet'
order by organization_id = agency_id
for no key update
"""
LOCK_CALL: Final = """
select id from billing_account
where id in (
  select account_id from billing_hold where source_id = %(call_id)s and source = 'call')
order by organization_id = agency_id
for no key update
"""
CLAIM_CALL: Final = LOCK_CALL.rstrip() + " skip locked"
HOLD: Final = """
payer as (
  select id as wallet_id, organization_id, agency_id, balance_microcredits as balance,
    organization_id = agency_id as is_pool,
    case when organization_id = agency_id then %(pool_price)s::bigint
         else %(client_price)s::bigint end as price
  from billing_account
  where organization_id in (%(organization_id)s, %(agency_id)s) and kind = 'wallet'
), quote as (
  select payer.*, case when price = 0 then %(seconds)s
    else least(%(seconds)s, div(balance::numeric * 60, price)) end::int as seconds
  from payer
), offer as (
  select min(seconds) as seconds from quote
), fact as (
  select 'hold' as kind, 'call:' || %(call_id)s::text || ':hold' as key,
    %(organization_id)s::uuid as organization_id, %(agency_id)s::uuid as agency_id,
    'call' as source, %(call_id)s::uuid as source_id, '' as memo,
    jsonb_build_object('seconds', seconds) as details, null::uuid as actor_id
  from offer
  where seconds >= least(%(seconds)s, %(min_seconds)s)
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
HOLD_ROWS: Final = """
held_rows as (
  insert into billing_hold (organization_id, agency_id, account_id, source, source_id,
    price_microcredits_per_minute, seconds, amount_microcredits, settled_microcredits,
    shortfall_microcredits, state, expires_at, created_at)
  select organization_id, agency_id, wallet_id, 'call', %(call_id)s, price, seconds,
    amount, 0, 0, 'active', %(expires_at)s, entry.created_at
  from take cross join entry
)
"""
HOLD_RESULT: Final = """
select (select count(*) from entry), offer.seconds,
  (select quote.seconds from quote where quote.organization_id = %(organization_id)s)
from offer
"""

# The holds of a call with their wallets. `mine` is whether the call's own organization
# is the one in scope.
PAYERS: Final = """
found as (
  select id, organization_id, agency_id, account_id, state, seconds, expires_at,
    price_microcredits_per_minute as price, settled_microcredits as settled,
    organization_id = agency_id as is_pool,
    case when state = 'active' then amount_microcredits else 0 end as held
  from billing_hold
  where source_id = %(call_id)s and source = 'call'
), owner as (
  select organization_id, agency_id, price,
    %(only)s::uuid is null or organization_id = %(only)s::uuid as mine
  from found order by is_pool limit 1
), payer as (
  select found.*, wallet.id as wallet_id, wallet.balance_microcredits as balance
  from found join billing_account wallet on wallet.id = found.account_id
  where {open} and (select mine from owner)
)
"""
STILL_OPEN: Final = "found.state in ('active', 'expired')"

_TAKE_MORE: Final = """
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
  select 'hold' as kind,
    'call:' || %(call_id)s::text || ':extend:' || %(entry_id)s::text as key,
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
EXTEND: Final = PAYERS.format(open=STILL_OPEN) + _TAKE_MORE
EXTEND_ROWS: Final = """
extended as (
  update billing_hold
  set seconds = take.covered, amount_microcredits = take.amount, state = 'active',
    expires_at = greatest(billing_hold.expires_at, %(expires_at)s)
  from take where billing_hold.id = take.id
)
"""
EXTEND_RESULT: Final = """
select (select mine from owner), coalesce((select seconds from offer), 0)
"""

CLOSE: Final = """
, bill as (
  select payer.*, due, least(due, case when state = 'active' then held else balance end)
    as charged
  from payer
  cross join lateral (
    select div(%(seconds)s::numeric * price + 59, 60)::bigint as due) as d
), fact as (
  select %(kind)s as kind, %(key)s as key, organization_id, agency_id, 'call' as source,
    %(call_id)s::uuid as source_id, '' as memo,
    jsonb_build_object('seconds', %(seconds)s::int, 'microcredits_per_minute', price,
      'shortfall_microcredits',
      (select due - charged from bill order by is_pool limit 1)) as details,
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
SETTLE: Final = PAYERS.format(open=STILL_OPEN) + CLOSE
EXPIRE: Final = (
    PAYERS.format(open="found.state = 'active' and found.expires_at <= %(now)s") + CLOSE
)
CLOSE_ROWS: Final = """
closed as (
  update billing_hold
  set state = %(state)s, settled_microcredits = bill.charged,
    shortfall_microcredits = bill.due - bill.charged, closed_at = entry.created_at
  from bill cross join entry where billing_hold.id = bill.id
)
"""
CLOSE_RESULT: Final = """
select (select mine from owner), (select count(*) from entry),
  coalesce((select sum(due - charged) from bill), 0)::bigint,
  (select coalesce(bill.charged, found.settled)
    from found left join bill on bill.id = found.id
    order by found.is_pool limit 1),
  (select coalesce(bill.charged, found.settled)
    from found left join bill on bill.id = found.id
    where found.is_pool)
"""
