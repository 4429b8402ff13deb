"""Move money in functions of the database: one round trip, decided under its locks.

A function sees, with each of its statements, what others committed before that
statement began. So it locks first and reads afterwards what it decides on, and nobody
can have changed that (docs/adr/0010). Whose rows it may see and write is the caller's
scope, as everywhere: none of them is a `security definer`.

    billing_entry    any fact, with its legs         ─╮
    billing_hold     a call's credits put aside       ├──▶ billing_post, the writer
    billing_extend   more of them                     │
    billing_close    a call settled, released, expired╯

Wallets are locked in one order: the call's own organization, then the pool of its
agency; for an agency's own call they are the same.

Plans are generic, for arrays of legs look cheaper to plan anew each time, and are not.
They go by indexes, for a plan that was made while a table was small is kept while it
grows.
"""

from django.db import migrations

# `Tariff.held_for`, and without a price of models `Tariff.time_cost`: zero seconds cost
# nothing. Sums that could leave 64 bits are numeric.
_COST = """
create function billing_cost(
  seconds int, setup bigint, minimum int, price bigint, model_price bigint
) returns bigint language sql immutable as $$
  select case when seconds = 0 then 0 else setup + div(
    greatest(seconds, minimum)::numeric * price + seconds::numeric * model_price + 59,
    60)::bigint end
$$
"""
# `Tariff.seconds_for`, of what a wallet can spend.
_SECONDS_FOR = """
create function billing_seconds_for(
  funds bigint, wanted int, setup bigint, minimum int, price bigint, model_price bigint
) returns int language sql immutable as $$
  select case
    when funds < setup then 0
    when price + model_price = 0 then wanted
    when div((funds - setup)::numeric * 60, price + model_price) >= minimum
      then least(wanted, div((funds - setup)::numeric * 60, price + model_price))
    when model_price = 0 then 0
    else least(wanted, div(greatest(
      (funds - setup)::numeric * 60 - minimum::numeric * price, 0), model_price))
  end::int
$$
"""
# The one writer. Its key comes first and everything hangs on it: when the key exists,
# nothing moves and there is no time to return. The caller holds the wallets' locks.
_POST = """
create function billing_post(
  new_id uuid, new_kind text, new_key text, owner uuid, pool uuid, new_source text,
  new_source_id uuid, new_memo text, new_details jsonb, new_actor uuid,
  new_corrects uuid, owners uuid[], kinds text[], amounts bigint[]
) returns timestamptz language plpgsql as $$
declare
  posted_at timestamptz;
  written int;
begin
  insert into billing_ledgerentry (id, kind, idempotency_key, organization_id,
    agency_id, source, source_id, memo, details, actor_id, corrects_id, created_at)
  values (new_id, new_kind, new_key, owner, pool, new_source, new_source_id, new_memo,
    new_details, new_actor, new_corrects, clock_timestamp())
  on conflict (idempotency_key) do nothing
  returning created_at into posted_at;
  if posted_at is null then
    return null;
  end if;
  with changed as (
    update billing_account a
    set balance_microcredits = a.balance_microcredits + leg.amount
    from unnest(owners, kinds, amounts) as leg (owner_id, kind, amount)
    where a.organization_id = leg.owner_id and a.kind = leg.kind and leg.amount <> 0
    returning a.id, a.organization_id, a.agency_id, a.balance_microcredits, leg.amount
  )
  insert into billing_posting (organization_id, agency_id, entry_id, account_id,
    amount_microcredits, balance_after_microcredits, created_at)
  select organization_id, agency_id, new_id, id, amount, balance_microcredits, posted_at
  from changed;
  get diagnostics written = row_count;
  if written <> cardinality(array_remove(amounts, 0)) then
    raise exception 'An entry moves every account it names, once.'
      using errcode = 'integrity_constraint_violation';
  end if;
  return posted_at;
end $$
"""
# Any fact. Its payer's wallet must have what it needs, else nothing is written: null
# when it has not, false when the key was there before.
_ENTRY = """
create function billing_entry(
  new_id uuid, new_kind text, new_key text, owner uuid, new_source text,
  new_source_id uuid, new_memo text, new_details jsonb, new_actor uuid,
  new_corrects uuid, owners uuid[], kinds text[], amounts bigint[], payer uuid,
  needs bigint
) returns boolean language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  pool uuid;
  is_funded boolean;
begin
  perform from billing_account
  where organization_id = any (owners) and kind = 'wallet'
  order by organization_id = agency_id
  for no key update;
  select agency_id into strict pool from billing_account
  where organization_id = owner and kind = 'wallet';
  select needs is null or balance_microcredits >= needs into strict is_funded
  from billing_account where organization_id = payer and kind = 'wallet';
  if not is_funded then
    return null;
  end if;
  return billing_post(new_id, new_kind, new_key, owner, pool, new_source, new_source_id,
    new_memo, new_details, new_actor, new_corrects, owners, kinds, amounts) is not null;
end $$
"""
# Put aside what `wanted` seconds cost, or as many as the poorer payer can pay for.
# Nothing is `made` or not when a payer has no accounts yet.
_HOLD = """
create function billing_hold(
  call uuid, owner uuid, pool uuid, wanted int, at_least int, until timestamptz,
  new_id uuid, client_price bigint, client_setup bigint, client_minimum int,
  client_model_price bigint, client_model_percent int, pool_price bigint,
  pool_setup bigint, pool_minimum int, pool_model_price bigint, pool_model_percent int,
  out made boolean, out covered int, out own int
) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  client_wallet uuid;
  pool_wallet uuid;
  client_cost bigint := 0;
  pool_cost bigint;
  funds bigint;
  posted_at timestamptz;
begin
  covered := wanted;
  if owner <> pool then
    select id, balance_microcredits + credit_line_microcredits
    into client_wallet, funds
    from billing_account where organization_id = owner and kind = 'wallet'
    for no key update;
    if not found then
      return;
    end if;
    covered := billing_seconds_for(funds, wanted, client_setup, client_minimum,
      client_price, client_model_price);
  end if;
  own := covered;
  select id, balance_microcredits + credit_line_microcredits
  into pool_wallet, funds
  from billing_account where organization_id = pool and kind = 'wallet'
  for no key update;
  if not found then
    return;
  end if;
  covered := least(covered, billing_seconds_for(funds, wanted, pool_setup, pool_minimum,
    pool_price, pool_model_price));
  if owner = pool then
    own := covered;
  end if;
  made := false;
  if covered < least(wanted, at_least) then
    return;
  end if;
  if owner <> pool then
    client_cost := billing_cost(covered, client_setup, client_minimum, client_price,
      client_model_price);
  end if;
  pool_cost := billing_cost(covered, pool_setup, pool_minimum, pool_price,
    pool_model_price);
  posted_at := billing_post(new_id, 'hold', 'call:' || call || ':hold', owner, pool,
    'call', call, '', jsonb_build_object('seconds', covered), null, null,
    array[owner, owner, pool, pool], '{wallet,held,wallet,held}',
    array[-client_cost, client_cost, -pool_cost, pool_cost]);
  if posted_at is null then
    return;
  end if;
  insert into billing_hold (organization_id, agency_id, account_id, source, source_id,
    price_microcredits_per_minute, setup_microcredits, minimum_seconds,
    model_microcredits_per_minute, model_cost_percent, seconds, amount_microcredits,
    settled_microcredits, settled_model_microcredits, shortfall_microcredits, state,
    expires_at, created_at)
  select payer, pool, wallet, 'call', call, price, setup, minimum, model_price,
    model_percent, covered, cost, 0, 0, 0, 'active', until, posted_at
  from (values
    (owner, client_wallet, client_price, client_setup, client_minimum,
      client_model_price, client_model_percent, client_cost),
    (pool, pool_wallet, pool_price, pool_setup, pool_minimum,
      pool_model_price, pool_model_percent, pool_cost)
  ) as p (payer, wallet, price, setup, minimum, model_price, model_percent, cost)
  where wallet is not null;
  made := true;
end $$
"""
# Cover a call up to `wanted` seconds from its start; what is covered never shrinks.
# Nothing is `mine` when the call's organization is not the only one in scope.
_EXTEND = """
create function billing_extend(
  call uuid, only_owner uuid, wanted int, until timestamptz, new_id uuid,
  out mine boolean, out covered int
) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  owners uuid[] := '{}';
  kinds text[] := '{}';
  amounts bigint[] := '{}';
  holds bigint[] := '{}';
  costs bigint[] := '{}';
  payer record;
  pool uuid;
  before int := 0;
  affordable int;
begin
  perform from billing_account
  where id in (
    select account_id from billing_hold where source_id = call and source = 'call')
  order by organization_id = agency_id
  for no key update;
  for payer in
    select h.organization_id, h.state, h.seconds,
      billing_seconds_for(
        greatest(w.balance_microcredits + w.credit_line_microcredits, 0)
          + case h.state when 'active' then h.amount_microcredits else 0 end,
        wanted, h.setup_microcredits, h.minimum_seconds,
        h.price_microcredits_per_minute, h.model_microcredits_per_minute) as affordable
    from billing_hold h join billing_account w on w.id = h.account_id
    where h.source_id = call and h.source = 'call'
    order by h.organization_id = h.agency_id
  loop
    mine := coalesce(mine, only_owner is null or payer.organization_id = only_owner);
    if payer.state in ('active', 'expired') then
      affordable := least(affordable, payer.affordable);
    end if;
    if payer.state = 'active' then
      before := greatest(before, payer.seconds);
    end if;
  end loop;
  covered := 0;
  if mine is not true or affordable is null then
    return;
  end if;
  covered := greatest(before, affordable);
  if covered = 0 then
    return;
  end if;
  for payer in
    select id, organization_id, agency_id,
      case state when 'active' then amount_microcredits else 0 end as held,
      billing_cost(covered, setup_microcredits, minimum_seconds,
        price_microcredits_per_minute, model_microcredits_per_minute) as cost
    from billing_hold
    where source_id = call and source = 'call' and state in ('active', 'expired')
    order by organization_id = agency_id
  loop
    pool := payer.agency_id;
    owners := owners || payer.organization_id || payer.organization_id;
    kinds := kinds || '{wallet,held}'::text[];
    amounts := amounts || payer.held - payer.cost || payer.cost - payer.held;
    holds := holds || payer.id;
    costs := costs || payer.cost;
  end loop;
  if covered > before then
    perform billing_post(new_id, 'hold', 'call:' || call || ':extend:' || new_id,
      owners[1], pool, 'call', call, '', jsonb_build_object('seconds', covered),
      null, null, owners, kinds, amounts);
  end if;
  update billing_hold h
  set seconds = covered, amount_microcredits = p.cost, state = 'active',
    expires_at = greatest(h.expires_at, until)
  from unnest(holds, costs) as p (id, cost) where h.id = p.id;
end $$
"""
# Charge `spoken` seconds and give the rest back; zero seconds give everything back.
# Time is charged from what was held for it, for a call ends before its credits do; what
# the models cost is known only now, and may reach into the wallet. With `expired_at`
# only a hold whose time is over, and only when nobody else is at its wallets.
_CLOSE = """
create function billing_close(
  call uuid, only_owner uuid, spoken int, client_models bigint, pool_models bigint,
  more jsonb, new_kind text, new_key text, new_state text, expired_at timestamptz,
  new_id uuid,
  out mine boolean, out made boolean, out shortfall bigint,
  out cost bigint, out model_cost bigint, out pool_cost bigint,
  out pool_model_cost bigint
) language plpgsql
set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
  owners uuid[] := '{}';
  kinds text[] := '{}';
  amounts bigint[] := '{}';
  holds bigint[] := '{}';
  times bigint[] := '{}';
  models bigint[] := '{}';
  missing bigint[] := '{}';
  payer record;
  pool uuid;
  facts jsonb;
  posted_at timestamptz;
  locked int;
  due_time bigint;
  due_models bigint;
  charged_time bigint;
  charged_models bigint;
begin
  made := false;
  shortfall := 0;
  if expired_at is null then
    perform from billing_account
    where id in (
      select account_id from billing_hold where source_id = call and source = 'call')
    order by organization_id = agency_id
    for no key update;
  else
    perform from billing_account
    where id in (
      select account_id from billing_hold where source_id = call and source = 'call')
    order by organization_id = agency_id
    for no key update skip locked;
    get diagnostics locked = row_count;
    if locked <> (
      select count(*) from billing_hold where source_id = call and source = 'call')
    then
      return;
    end if;
  end if;
  for payer in
    select h.*, h.organization_id = h.agency_id as is_pool,
      case h.state when 'active' then h.amount_microcredits else 0 end as held,
      greatest(w.balance_microcredits + w.credit_line_microcredits, 0) as funds,
      case when expired_at is null then h.state in ('active', 'expired')
        else h.state = 'active' and h.expires_at <= expired_at end as is_open
    from billing_hold h join billing_account w on w.id = h.account_id
    where h.source_id = call and h.source = 'call'
    order by is_pool
  loop
    mine := coalesce(mine, only_owner is null or payer.organization_id = only_owner);
    charged_time := payer.settled_microcredits - payer.settled_model_microcredits;
    charged_models := payer.settled_model_microcredits;
    if payer.is_open and mine then
      due_time := billing_cost(spoken, payer.setup_microcredits, payer.minimum_seconds,
        payer.price_microcredits_per_minute, 0);
      due_models := case when spoken = 0 then 0 else div(
        case when payer.is_pool then pool_models else client_models end::numeric
          * payer.model_cost_percent + 99, 100)::bigint end;
      charged_time := least(due_time,
        case payer.state when 'active' then payer.held else payer.funds end);
      charged_models := least(due_models, payer.held + payer.funds - charged_time);
      pool := payer.agency_id;
      holds := holds || payer.id;
      times := times || charged_time;
      models := models || charged_models;
      missing := missing || due_time + due_models - charged_time - charged_models;
      shortfall := shortfall + missing[cardinality(missing)];
      owners := owners || array_fill(payer.organization_id, array[4]);
      kinds := kinds || '{wallet,held,usage,models}'::text[];
      amounts := amounts || array[payer.held - charged_time - charged_models,
        -payer.held, charged_time, charged_models];
      facts := coalesce(facts, jsonb_build_object('seconds', spoken,
        'microcredits_per_minute', payer.price_microcredits_per_minute,
        'setup_microcredits', payer.setup_microcredits,
        'minimum_seconds', payer.minimum_seconds, 'model_microcredits', charged_models,
        'shortfall_microcredits', shortfall));
    end if;
    cost := coalesce(cost, charged_time + charged_models);
    model_cost := coalesce(model_cost, charged_models);
    pool_cost := charged_time + charged_models;
    pool_model_cost := charged_models;
  end loop;
  if cardinality(holds) = 0 then
    return;
  end if;
  posted_at := billing_post(new_id, new_kind, new_key, owners[1], pool,
    'call', call, '', facts || more, null, null, owners, kinds, amounts);
  if posted_at is null then
    return;
  end if;
  update billing_hold h
  set state = new_state, settled_microcredits = p.talk + p.model,
    settled_model_microcredits = p.model, shortfall_microcredits = p.missing,
    closed_at = posted_at
  from unnest(holds, times, models, missing) as p (id, talk, model, missing)
  where h.id = p.id;
  made := true;
end $$
"""
_FUNCTIONS = (_COST, _SECONDS_FOR, _POST, _ENTRY, _HOLD, _EXTEND, _CLOSE)
_DROP = """
drop function billing_close, billing_extend, billing_hold, billing_entry, billing_post,
  billing_seconds_for, billing_cost
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0007_payments_row_level_security")]

    operations = [migrations.RunSQL(list(_FUNCTIONS), _DROP)]
