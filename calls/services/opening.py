"""Opening calls of one organization: what they have in common is read once.

An `Opening` lives inside one transaction that has locked the organization's row. It
makes every check and every reservation for each call; the rows are stored together, so
that a hundred calls of a campaign cost hardly more queries than one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from assistants.key_places import Owner
from assistants.keys import payers
from assistants.models import Assistant, AssistantVersion
from assistants.sovereignty import first_violation
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
from calls.queries import seconds_this_month
from calls.services.costing import call_price
from calls.services.equipment import key_owners
from calls.services.guarding import Guard, Pace, guard_of, require_destination
from calls.services.halting import is_halted
from calls.services.nodes import Places, reserved_of
from calls.services.trunks import free_channels, require_channel
from calls.ways import way_fault
from portal.models import Organization, User
from portal.policy import Policy
from portal.services.privacy import policy_of
from portal.switching import is_on_for

FIRST_HOLD_S: Final = 60
FREE: Final = CallPrice(*[Tariff(0, model_cost_percent=0)] * 2)
HOLD_GRACE_S: Final = 60  # a hold outlives the lease that is to settle it
Direction = Call.Direction


@dataclass(frozen=True)
class NewCall:
    """What is known of a call before it starts. `lease_s`: how long it may stay unheard of."""

    call_id: UUID
    direction: Call.Direction
    carrier: str
    lease_s: int
    number: PhoneNumber | None = None
    trunk: Trunk | None = None
    came_by: Trunk | None = None  # a call that came in by another trunk of its house
    node_id: UUID | None = None  # where a call that came in already is
    caller_number: str = ""
    callee_number: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    token_digest: str = ""
    token_expires_at: datetime | None = None
    allowed_origins: tuple[str, ...] = ()
    dial_at: datetime | None = None
    is_test: bool = False  # carried by the simulator, free of charge
    widget_id: UUID | None = None  # the button on somebody's site that started it

    @property
    def is_ours(self) -> bool:
        """Whether we make it, so that it can wait."""
        return self.direction == Direction.OUTBOUND


@dataclass(frozen=True)
class _Plan:
    """What calls that run on the same settings cost, and whose keys pay for them."""

    price: CallPrice
    key_owners: dict[str, str]


class Opening:
    """Opens calls of an organization whose row the caller has locked."""

    def __init__(self, organization: Organization) -> None:
        self._organization = organization
        self._now = timezone.now()
        self._plans: dict[Any, _Plan] = {}
        self._places: dict[UUID | None, Places] = {}
        self._channels: Counter[UUID] = Counter()
        self._opened: list[Call] = []
        self._held = 0
        self._is_checked = False

    def open(
        self, *, assistant: Assistant | None, new: NewCall, actor: User | None
    ) -> Call:
        """Reserve everything for one call, or raise and reserve nothing.

        The call is stored by `store`; until then its credits are held, its place is
        taken for the calls after it, and nobody else sees it.
        """
        self._check_organization()
        version = assistant.current_version if assistant else None
        if assistant is None:
            assert "spec" in new.overrides
        elif not assistant.is_active or assistant.deleted_at or version is None:
            raise AssistantNotReady
        if new.is_ours:
            require_destination(self._guard, new.callee_number)
        self._require_line(new)
        plan = self._plan(version, new)
        self._require_ways(new)
        if new.trunk is not None:
            require_channel(self._free_channels(new.trunk))
        self._pace.require(
            calls_out=sum(
                call.direction == Direction.OUTBOUND for call in self._opened
            ),
            held=self._held,
        )
        node = self._places_of(new.node_id).choose(keeps_reserve=new.is_ours)
        hold_for_call(
            call_id=new.call_id,
            organization=self._organization,
            seconds=FIRST_HOLD_S,
            price=plan.price,
            expires_at=self._now + timedelta(seconds=new.lease_s + HOLD_GRACE_S),
        )
        self._held += plan.price.client.held_for(FIRST_HOLD_S)
        self._places_of(new.node_id).take(node)
        if new.trunk is not None:
            self._channels[new.trunk.pk] -= 1
        call = Call(
            pk=new.call_id,
            organization=self._organization,
            agency_id=self._organization.agency_id,
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
            widget_id=new.widget_id,
            started_by=actor,
            node=node,
            lease_until=self._now + timedelta(seconds=new.lease_s),
            price_microcredits_per_minute=plan.price.client_microcredits_per_minute,
            pool_price_microcredits_per_minute=plan.price.pool_microcredits_per_minute,
            key_owners=plan.key_owners,
            token_digest=new.token_digest,
            token_expires_at=new.token_expires_at,
            allowed_origins=list(new.allowed_origins),
            dial_at=new.dial_at,
        )
        self._opened.append(call)
        return call

    def store(self) -> None:
        """Write the calls that were opened."""
        Call.objects.bulk_create(self._opened)

    # --- for all of them --------------------------------------------------------------
    def _check_organization(self) -> None:
        """Raise what refuses every call of this organization; asked once."""
        if self._is_checked:
            return
        # A suspended agency's clients have nobody to pay the platform for them.
        ours = self._organization
        houses = [ours, ours.parent] if ours.parent else [ours]
        if any(house.status != Organization.Status.ACTIVE for house in houses):
            raise OrganizationSuspended
        if not is_on_for(ours):
            raise OrganizationSuspended
        _check_minutes(ours)
        if is_halted(ours):
            raise CallsHalted
        self._is_checked = True

    @cached_property
    def _guard(self) -> Guard:
        return guard_of(self._organization)

    @cached_property
    def _pace(self) -> Pace:
        return Pace.of(self._organization, self._guard, self._now)

    @cached_property
    def _policy(self) -> Policy:
        return policy_of(self._organization)

    @cached_property
    def _payers(self) -> Mapping[str, str]:
        return payers(self._organization.agency_id, self._organization.pk)

    @cached_property
    def _live(self) -> int:
        return Call.objects.live().filter(organization=self._organization).count()

    @cached_property
    def _reserved(self) -> int:
        """Lines kept for callers, where somebody may call in."""
        if not _takes_calls(self._organization):
            return 0
        return reserved_of(self._organization.max_concurrent_calls)

    def _require_line(self, new: NewCall) -> None:
        limit = self._organization.max_concurrent_calls
        if new.is_ours:
            limit -= self._reserved
        if self._live + len(self._opened) >= limit:
            raise TooManyCalls

    def _require_ways(self, new: NewCall) -> None:
        """Raise `RegionRefused` when the policy forbids the carrier that carries it."""
        if new.direction == Direction.WEB:
            return
        for trunk in {new.trunk, new.came_by or new.trunk}:
            if fault := way_fault(new.carrier, trunk, self._policy):
                raise RegionRefused(fault)

    def _free_channels(self, trunk: Trunk) -> int:
        if trunk.pk not in self._channels:
            self._channels[trunk.pk] = free_channels(trunk)
        return self._channels[trunk.pk]

    def _places_of(self, node_id: UUID | None) -> Places:
        if node_id not in self._places:
            self._places[node_id] = Places.lock(node_id=node_id)
        return self._places[node_id]

    # --- for those that run on the same settings -----------------------------------
    def _plan(self, version: AssistantVersion | None, new: NewCall) -> _Plan:
        """Read the settings once, however many calls run on them.

        Raises `RegionRefused` when the policy forbids where this call's data would go.
        An assistant saved before the policy was tightened, or one that a request brought
        along, is refused here; the voice process looks once more at what it will run.
        """
        own = new.overrides.get("spec")
        key = (version and version.pk, new.direction, new.is_test)
        if own is None and key in self._plans:
            return self._plans[key]
        assert own is not None or version is not None
        spec = AssistantSpec.model_validate(own or (version and version.spec_json))
        owner = Owner(self._organization.agency_id, self._organization.pk)
        if fault := first_violation(spec, self._policy, owner):
            raise RegionRefused(fault.message)
        price = FREE
        if not new.is_test:
            price = call_price(
                self._organization, spec, self._now, new.direction, self._payers
            )
        plan = _Plan(price, key_owners(spec, self._payers))
        if own is None:
            self._plans[key] = plan
        return plan


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
    if limit is not None and seconds_this_month(organization) >= limit * 60:
        raise MinutesUsedUp
