"""Starting a call: every check, every reservation and the row, in one transaction.

Whatever starts a call comes through `open_call`, so a call that exists has its
credits held, its place on a voice node, and the version of the assistant it will use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from assistants.models import Assistant, AssistantVersion
from assistants.sovereignty import violations
from assistants.spec import AssistantSpec
from billing.holds import hold_for_call
from billing.tariff import CallPrice, Tariff
from calls.errors import (
    AssistantNotReady,
    CallsHalted,
    MinutesUsedUp,
    OrganizationSuspended,
    RegionRefused,
    TooManyCalls,
)
from calls.models import Call, PhoneNumber, Trunk
from calls.services.costing import call_price
from calls.services.equipment import key_owners
from calls.services.guarding import check_pace, guard_of
from calls.services.halting import is_halted
from calls.services.nodes import choose_node, reserved_of
from calls.services.trunks import require_channel
from portal.models import Organization, User
from portal.policy import RegionRule
from portal.services.privacy import policy_of
from portal.switching import is_on_for

FIRST_HOLD_S: Final = 60
FREE: Final = CallPrice(*[Tariff(0, model_cost_percent=0)] * 2)
HOLD_GRACE_S: Final = 60  # a hold outlives the lease that is to settle it


@dataclass(frozen=True)
class NewCall:
    """What is known of a call before it starts. `lease_s`: how long it may stay unheard of."""

    call_id: UUID
    direction: Call.Direction
    carrier: str
    lease_s: int
    number: PhoneNumber | None = None
    trunk: Trunk | None = None
    node_id: UUID | None = None  # where a call that came in already is
    caller_number: str = ""
    callee_number: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    token_digest: str = ""
    token_expires_at: datetime | None = None
    dial_at: datetime | None = None
    is_test: bool = False  # carried by the simulator, free of charge


@transaction.atomic
def open_call(
    *,
    organization: Organization,
    assistant: Assistant | None,
    new: NewCall,
    actor: User | None,
) -> Call:
    """Create a call with credits held and a place reserved, or raise and leave nothing.

    Without an assistant the call brings settings of its own (`own_settings`).

    Idempotent by `new.call_id`: a second start returns the first call. Locks the
    organization's row (its limit), then the nodes, then the ledger's accounts.
    """
    # No key lock: what others write for this organization meanwhile need not wait.
    locked = Organization.objects.select_for_update(of=("self",), no_key=True).get(
        pk=organization.pk
    )
    if (existing := Call.objects.filter(pk=new.call_id).first()) is not None:
        return existing
    # A suspended agency's clients have nobody to pay the platform for them.
    houses = [locked, locked.parent] if locked.parent else [locked]
    if any(house.status != Organization.Status.ACTIVE for house in houses):
        raise OrganizationSuspended
    if not is_on_for(locked):
        raise OrganizationSuspended
    _check_minutes(locked)
    if is_halted(locked):
        raise CallsHalted
    version = assistant.current_version if assistant else None
    if assistant is None:
        assert "spec" in new.overrides
    elif not assistant.is_active or assistant.deleted_at or version is None:
        raise AssistantNotReady
    is_ours = new.direction == Call.Direction.OUTBOUND  # and can wait
    limit = locked.max_concurrent_calls
    if is_ours and _takes_calls(organization):
        limit -= reserved_of(limit)
    if (
        Call.objects.filter(organization=organization, status__in=Call.LIVE).count()
        >= limit
    ):
        raise TooManyCalls
    _check_regions(locked, version, new.overrides)
    if new.trunk is not None:
        require_channel(new.trunk)
    now = timezone.now()
    check_pace(locked, guard_of(locked), now)
    node = choose_node(node_id=new.node_id, keeps_reserve=is_ours)
    spec = _spec_of(version, new.overrides)
    price = FREE if new.is_test else call_price(organization, spec, now, new.direction)
    hold_for_call(
        call_id=new.call_id,
        organization=organization,
        seconds=FIRST_HOLD_S,
        price=price,
        expires_at=now + timedelta(seconds=new.lease_s + HOLD_GRACE_S),
    )
    return Call.objects.create(
        pk=new.call_id,
        organization=organization,
        assistant=assistant,
        version=version,
        number=new.number,
        trunk=new.trunk,
        direction=new.direction,
        carrier=new.carrier,
        caller_number=new.caller_number,
        callee_number=new.callee_number,
        variables=new.variables,
        overrides=new.overrides,
        metadata=new.metadata,
        is_test=new.is_test,
        started_by=actor,
        node=node,
        lease_until=now + timedelta(seconds=new.lease_s),
        price_microcredits_per_minute=price.client_microcredits_per_minute,
        pool_price_microcredits_per_minute=price.pool_microcredits_per_minute,
        key_owners=key_owners(spec, organization),
        token_digest=new.token_digest,
        token_expires_at=new.token_expires_at,
        dial_at=new.dial_at,
    )


def _check_regions(
    organization: Organization,
    version: AssistantVersion | None,
    overrides: dict[str, Any],
) -> None:
    """Raise `RegionRefused` when the policy forbids where this call's data would go.

    An assistant saved before the policy was tightened, or one that a request brought
    along, is refused here; the voice process looks once more at what it will run.
    """
    policy = policy_of(organization)
    if policy.regions is RegionRule.ANYWHERE:
        return
    if faults := violations(_spec_of(version, overrides), policy):
        raise RegionRefused(faults[0].message)


def _spec_of(
    version: AssistantVersion | None, overrides: dict[str, Any]
) -> AssistantSpec:
    """Return what the call runs on: settings of its own, else the version's."""
    own = overrides.get("spec")
    if own is None:
        assert version is not None, "a call without a version has settings of its own"
        own = version.spec_json
    return AssistantSpec.model_validate(own)


def _takes_calls(organization: Organization) -> bool:
    """Whether somebody may call in, so that a share of the lines is kept for them."""
    return PhoneNumber.objects.filter(
        organization=organization,
        is_active=True,
        assistant__isnull=False,
        trunk__isnull=False,
    ).exists()


def _check_minutes(organization: Organization) -> None:
    """Raise `MinutesUsedUp` when the month's minutes are spoken; a call may end over it."""
    limit = organization.max_minutes_per_month
    if limit is None:
        return
    zone = ZoneInfo(organization.time_zone)
    month = timezone.localtime(timezone=zone).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    spoken_s = Call.objects.filter(
        organization=organization, created_at__gte=month
    ).aggregate(sum=Sum("billed_seconds", default=0))["sum"]
    if spoken_s >= limit * 60:
        raise MinutesUsedUp
