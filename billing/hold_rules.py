"""The rules of holds, as the SQL that `billing.ledger.post` runs.

Each rule is the first part of one statement: it decides, and names what moves
(`fact` and `leg`, see `billing.ledger`). The parts that write holds (`…_ROWS`) and the
answer to the caller (`…_RESULT`) stand beside it. Nothing is ever pasted into a rule
but another constant: values are parameters.

What seconds cost is the arithmetic of `billing.tariff.Tariff`, which see; sums that
could leave 64 bits are numeric.
"""

from __future__ import annotations

from typing import Final

# `Tariff.held_for` and `Tariff.time_cost`; zero seconds cost nothing.
_HELD_FOR: Final = """case when {seconds} = 0 then 0 else setup + div(
  greatest({seconds}, minimum)::numeric * price + {seconds}::numeric * model_price + 59,
  60)::bigint end"""
_TIME_COST: Final = """case when {seconds} = 0 then 0 else setup + div(
  greatest({seconds}, minimum)::numeric * price + 59, 60)::bigint end"""
# `Tariff.seconds_for`, of what a wallet can spend.
_SECONDS_FOR: Final = """case
  when {funds} < setup then 0
  when price + model_price = 0 then {wanted}
  when div(({funds} - setup)::numeric * 60, price + model_price) >= minimum
    then least({wanted}, div(({funds} - setup)::numeric * 60, price + model_price))
  when model_price = 0 then 0
  else least({wanted}, div(greatest(
    ({funds} - setup)::numeric * 60 - minimum::numeric * price, 0), model_price))
end::int"""

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
HOLD: Final = f"""
tariff (is_pool, price, setup, minimum, model_price, model_percent) as (
  values
    (false, %(client_price)s::bigint, %(client_setup)s::bigint, %(client_minimum)s::int,
     %(client_model_price)s::bigint, %(client_model_percent)s::int),
    (true, %(pool_price)s::bigint, %(pool_setup)s::bigint, %(pool_minimum)s::int,
     %(pool_model_price)s::bigint, %(pool_model_percent)s::int)
), payer as (
  select id as wallet_id, organization_id, agency_id,
    balance_microcredits + credit_line_microcredits as funds, tariff.*
  from billing_account
  join tariff on tariff.is_pool = (organization_id = agency_id)
  where organization_id in (%(organization_id)s, %(agency_id)s) and kind = 'wallet'
), quote as (
  select payer.*, {_SECONDS_FOR.format(funds="funds", wanted="%(seconds)s")} as seconds
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
  select payer.*, offer.seconds, {_HELD_FOR.format(seconds="offer.seconds")} as amount
  from payer cross join offer
), leg as (
  select part.account_id, part.amount
  from take
  join billing_account held
    on held.organization_id = take.organization_id and held.kind = 'held'
  cross join lateral (values (take.wallet_id, -take.amount), (held.id, take.amount))
    as part (account_id, amount)
)
"""  # noqa: S608 - put together from constants
HOLD_ROWS: Final = """
held_rows as (
  insert into billing_hold (organization_id, agency_id, account_id, source, source_id,
    price_microcredits_per_minute, setup_microcredits, minimum_seconds,
    model_microcredits_per_minute, model_cost_percent, seconds, amount_microcredits,
    settled_microcredits, settled_model_microcredits, shortfall_microcredits, state,
    expires_at, created_at)
  select organization_id, agency_id, wallet_id, 'call', %(call_id)s, price, setup,
    minimum, model_price, model_percent, seconds, amount, 0, 0, 0, 'active',
    %(expires_at)s, entry.created_at
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
    price_microcredits_per_minute as price, setup_microcredits as setup,
    minimum_seconds as minimum, model_microcredits_per_minute as model_price,
    model_cost_percent as model_percent, settled_microcredits as settled,
    settled_model_microcredits as settled_models,
    organization_id = agency_id as is_pool,
    case when state = 'active' then amount_microcredits else 0 end as held
  from billing_hold
  where source_id = %(call_id)s and source = 'call'
), owner as (
  select organization_id, agency_id, price, setup, minimum,
    %(only)s::uuid is null or organization_id = %(only)s::uuid as mine
  from found order by is_pool limit 1
), payer as (
  select found.*, wallet.id as wallet_id,
    greatest(wallet.balance_microcredits + wallet.credit_line_microcredits, 0) as funds
  from found join billing_account wallet on wallet.id = found.account_id
  where {open} and (select mine from owner)
)
"""
STILL_OPEN: Final = "found.state in ('active', 'expired')"

_TAKE_MORE: Final = f"""
, offer as (
  select greatest(
    max(case when state = 'active' then seconds else 0 end),
    min({_SECONDS_FOR.format(funds="(funds + held)", wanted="%(seconds)s")})
  )::int as seconds,
  max(case when state = 'active' then seconds else 0 end) as before
  from payer
), take as (
  select payer.*, offer.seconds as covered,
    {_HELD_FOR.format(seconds="offer.seconds")} as amount
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
"""  # noqa: S608 - put together from constants
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

# Time is charged from what was held for it, for a call ends before its credits do; what
# the models cost is known only now, and may reach into the wallet.
CLOSE: Final = f"""
, bill as (
  select payer.*, time_due + model_due as due, charged_time,
    least(model_due, held + funds - charged_time) as charged_models
  from payer
  cross join lateral (
    select {_TIME_COST.format(seconds="%(seconds)s::int")} as time_due,
      case when %(seconds)s::int = 0 then 0 else div(
        case when is_pool then %(pool_models)s::bigint else %(client_models)s::bigint end
          ::numeric * model_percent + 99, 100)::bigint end as model_due) as d
  cross join lateral (
    select least(time_due, case when state = 'active' then held else funds end)
      as charged_time) as c
), fact as (
  select %(kind)s as kind, %(key)s as key, organization_id, agency_id, 'call' as source,
    %(call_id)s::uuid as source_id, '' as memo,
    (select jsonb_build_object('seconds', %(seconds)s::int,
      'microcredits_per_minute', price, 'setup_microcredits', setup,
      'minimum_seconds', minimum, 'model_microcredits', charged_models,
      'shortfall_microcredits', due - charged_time - charged_models)
      from bill order by is_pool limit 1) || %(details)s::jsonb as details,
    null::uuid as actor_id
  from owner where exists (select from payer)
), leg as (
  select part.account_id, part.amount
  from bill
  join billing_account held
    on held.organization_id = bill.organization_id and held.kind = 'held'
  join billing_account usage
    on usage.organization_id = bill.organization_id and usage.kind = 'usage'
  join billing_account models
    on models.organization_id = bill.organization_id and models.kind = 'models'
  cross join lateral (values
      (bill.wallet_id, bill.held - bill.charged_time - bill.charged_models),
      (held.id, -bill.held), (usage.id, bill.charged_time),
      (models.id, bill.charged_models))
    as part (account_id, amount)
)
"""  # noqa: S608 - put together from constants
SETTLE: Final = PAYERS.format(open=STILL_OPEN) + CLOSE
EXPIRE: Final = (
    PAYERS.format(open="found.state = 'active' and found.expires_at <= %(now)s") + CLOSE
)
CLOSE_ROWS: Final = """
closed as (
  update billing_hold
  set state = %(state)s, settled_microcredits = bill.charged_time + bill.charged_models,
    settled_model_microcredits = bill.charged_models,
    shortfall_microcredits = bill.due - bill.charged_time - bill.charged_models,
    closed_at = entry.created_at
  from bill cross join entry where billing_hold.id = bill.id
)
"""
# One row for each payer, the call's own organization first.
CLOSE_RESULT: Final = """
select (select mine from owner), (select count(*) from entry),
  coalesce((select sum(due - charged_time - charged_models) from bill), 0)::bigint,
  client.total, client.models, pool.total, pool.models
from (
  select coalesce(bill.charged_time + bill.charged_models, found.settled) as total,
    coalesce(bill.charged_models, found.settled_models) as models
  from found left join bill on bill.id = found.id order by found.is_pool limit 1
) client cross join (
  select coalesce(bill.charged_time + bill.charged_models, found.settled) as total,
    coalesce(bill.charged_models, found.settled_models) as models
  from found left join bill on bill.id = found.id where found.is_pool
) pool
"""
