"""The switch that stops calls at once: of one organization, an agency, or everybody.

A halt is a row: no call starts while it stands, and those going on are told to end by
their own row, which a voice process reads every second, whether or not the message
that hurries it arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from calls import bus
from calls.models import Call, Halt
from calls.session.events import EndReason
from portal.models import Organization, User
from portal.scope import all_organizations
from portal.services import audit


def is_halted(organization: Organization) -> bool:
    """Whether calls of this organization may not start now."""
    return standing_halts(organization).exists()


def standing_halts(organization: Organization) -> QuerySet[Halt]:
    """Return what stops this organization's calls: its own, its agency's, everybody's."""
    return Halt.objects.filter(lifted_at__isnull=True).filter(
        Q(organization__isnull=True)
        | Q(organization__in={organization.pk, organization.agency_id})
    )


@transaction.atomic
def halt_calls(
    *, organization: Organization | None, reason: str, actor: User | None
) -> int:
    """Stop the calls of an organization and its clients, or everybody's; return how many.

    `None` is the whole installation. A second halt changes nothing but ends what has
    begun in between.
    """
    Halt.objects.get_or_create(
        organization=organization,
        lifted_at=None,
        defaults={"reason": reason, "started_by": actor},
    )
    with all_organizations("a halt reaches an agency's clients, or everybody"):
        live = Call.objects.live()
        if organization is not None:
            owner = "agency" if organization.is_agency else "organization"
            live = live.filter(**{owner: organization})
        stopped = list(live.values_list("pk", "node_id"))
        live.update(stop_reason=EndReason.OPERATOR_HANGUP)
        if organization is not None:
            audit.record(
                organization=organization,
                actor=actor,
                action="calls.halted",
                target=organization,
                changes={"reason": reason, "calls": len(stopped)},
            )
    transaction.on_commit(lambda: _hurry(stopped), robust=True)
    return len(stopped)


@transaction.atomic
def lift_halt(*, organization: Organization | None, actor: User | None) -> bool:
    """Let calls start again; return whether there was anything to lift."""
    lifted = Halt.objects.filter(
        organization=organization, lifted_at__isnull=True
    ).update(lifted_at=timezone.now(), lifted_by=actor)
    if lifted and organization is not None:
        with all_organizations("an organization does not lift its own halt"):
            audit.record(
                organization=organization,
                actor=actor,
                action="calls.halt_lifted",
                target=organization,
            )
    return bool(lifted)


def _hurry(stopped: Sequence[tuple[UUID, UUID | None]]) -> None:
    for call_id, node_id in stopped:
        if node_id is not None:
            bus.tell_node(node_id, "end", call_id, {"message": ""})
