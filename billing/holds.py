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
has no hold (`UnknownHold`). Each rule is a function of the database, which does the
sums of `billing.tariff.Tariff` under the locks of the wallets (see `billing.ledger`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from billing.errors import NotEnoughCredits, UnknownHold
from billing.ledger import money_scope, open_accounts, run_rule
from billing.models import Hold
from billing.tariff import CallPrice, Tariff
from common.ids import uuid7
from portal.models import Organization
from portal.scope import agency_scope, all_organizations, require_scope

logger = logging.getLogger(__name__)

MIN_SECONDS: Final = 10
SWEEP_BATCH: Final = 100
CALL: Final = "call"

_HOLD: Final = """
select * from billing_hold(%(call_id)s, %(organization_id)s, %(agency_id)s,
  %(seconds)s, %(min_seconds)s, %(expires_at)s, %(entry_id)s,
  %(client_price)s, %(client_setup)s, %(client_minimum)s,
  %(client_model_price)s, %(client_model_percent)s,
  %(pool_price)s, %(pool_setup)s, %(pool_minimum)s,
  %(pool_model_price)s, %(pool_model_percent)s)
"""
_EXTEND: Final = """
select * from billing_extend(%(call_id)s, %(only)s, %(seconds)s, %(expires_at)s,
  %(entry_id)s)
"""
_CLOSE: Final = """
select * from billing_close(%(call_id)s, %(only)s, %(seconds)s, %(client_models)s,
  %(pool_models)s, %(details)s, %(kind)s, %(key)s, %(state)s, %(expired_at)s,
  %(entry_id)s)
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
    # The parts of them that went to the models.
    model_microcredits: int = 0
    pool_model_microcredits: int = 0


@dataclass(frozen=True)
class ModelUse:
    """What the models of a call cost each payer before its percentage, and why.

    `details` are kept with the entry, which the call's organization may read.
    """

    client_microcredits: int = 0
    pool_microcredits: int = 0
    details: Mapping[str, Any] = field(default_factory=dict)


NO_MODELS: Final = ModelUse()


def hold_for_call(
    *,
    call_id: UUID,
    organization: Organization,
    seconds: int,
    price: CallPrice,
    expires_at: datetime,
) -> HeldSeconds:
    """Put aside what `seconds` of a call cost, in both wallets or in neither.

    When the poorer payer cannot pay for all of it, as much as it can pay for is held,
    but no less than `MIN_SECONDS`; else raises `NotEnoughCredits`. Once for each call:
    again, it returns what was held.
    """
    if seconds <= 0:
        raise ValueError("Hold for at least a second.")
    params = {
        "call_id": call_id,
        "organization_id": organization.pk,
        "agency_id": organization.agency_id,
        **_tariff("client", price.client),
        **_tariff("pool", price.pool),
        "seconds": seconds,
        "min_seconds": MIN_SECONDS,
        "expires_at": expires_at,
        "entry_id": uuid7(),
    }
    with money_scope(organization):
        made, covered, own = run_rule(_HOLD, params)
        if made is None:
            _open_payers(organization)
            made, covered, own = run_rule(_HOLD, params)
        if made:
            return HeldSeconds(covered)
        first = Hold.objects.filter(source=CALL, source_id=call_id).first()
    if first is not None:
        return HeldSeconds(first.seconds)
    if organization.is_agency or own < min(seconds, MIN_SECONDS):
        raise NotEnoughCredits(organization.pk, "organization", affordable_seconds=own)
    raise NotEnoughCredits(organization.agency_id, "agency", affordable_seconds=covered)


def _tariff(payer: str, tariff: Tariff) -> dict[str, int]:
    return {
        f"{payer}_price": tariff.microcredits_per_minute,
        f"{payer}_setup": tariff.setup_microcredits,
        f"{payer}_minimum": tariff.minimum_seconds,
        f"{payer}_model_price": tariff.model_microcredits_per_minute,
        f"{payer}_model_percent": tariff.model_cost_percent,
    }


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
        mine, covered = run_rule(
            _EXTEND,
            {
                "call_id": call_id,
                "only": only,
                "seconds": total_seconds,
                "expires_at": expires_at,
                "entry_id": uuid7(),
            },
        )
    if not mine:
        raise UnknownHold(str(call_id))
    return int(covered)


def settle_call(
    *, call_id: UUID, seconds: int, models: ModelUse = NO_MODELS
) -> CallCost:
    """Charge a call exactly once and give the rest back, in one entry.

    A second call returns the first result, whatever it says. Zero seconds release. The
    cost of time is capped at what is held, for a call is ended before its credits are;
    once the hold expired, at what the wallet has. So is that of the models, which was
    only estimated. What stays unpaid is kept on the hold, and the client's part in the
    entry's details.
    """
    if seconds < 0:
        raise ValueError("A call does not last less than nothing.")
    with _call_scope() as only:
        closed = run_rule(_CLOSE, _closing(call_id, seconds, only, models))
    mine, _, shortfall, cost, model_cost, pool_cost, pool_model_cost = closed
    if not mine:
        raise UnknownHold(str(call_id))
    if shortfall:
        logger.warning(
            "A call was longer than its credits.",
            extra={"call": str(call_id), "shortfall_microcredits": shortfall},
        )
    return CallCost(cost, pool_cost, model_cost, pool_model_cost)


def release_hold(*, call_id: UUID) -> bool:
    """Give back what a call holds; return whether this did it.

    False when it was settled or released before, or never held anything.
    """
    with _call_scope() as only:
        closed = run_rule(_CLOSE, _closing(call_id, 0, only, NO_MODELS))
    return bool(closed[1])


def release_expired_holds(now: datetime) -> int:
    """Give back what nobody kept alive; return for how many calls.

    Each call is a transaction of its own, so a sweeper may die anywhere; a call whose
    wallets somebody is moving money in is left for the next sweep. Any number may run
    at once.
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
    entry_id = uuid7()
    params = {
        **_closing(call_id, 0, None, NO_MODELS),
        "key": f"call:{call_id}:expire:{entry_id}",
        "state": Hold.State.EXPIRED.value,
        "expired_at": now,
        "entry_id": entry_id,
    }
    return int(run_rule(_CLOSE, params)[1])


def _closing(
    call_id: UUID, seconds: int, only: UUID | None, models: ModelUse
) -> dict[str, Any]:
    state = Hold.State.SETTLED if seconds else Hold.State.RELEASED
    return {
        "call_id": call_id,
        "only": only,
        "seconds": seconds,
        "client_models": models.client_microcredits,
        "pool_models": models.pool_microcredits,
        "details": Jsonb(dict(models.details)),
        "kind": "settle" if seconds else "release",
        "key": f"call:{call_id}:settle",
        "state": state.value,
        "expired_at": None,
        "entry_id": uuid7(),
    }


@contextmanager
def _call_scope() -> Iterator[UUID | None]:
    """Widen the scope to the agency; give the one organization in scope, if one."""
    scope = require_scope()
    if scope.agency_id is None:
        yield None
        return
    with agency_scope(scope.agency_id):
        yield scope.organization_id
