"""Listening in: who may, for how long a ticket is good, and the record of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

from django.core import signing
from django.db import transaction
from django.utils import timezone

from calls.errors import BadCallToken, CallNotActive
from calls.models import Call, CallEvent
from calls.queries import is_with_a_person
from calls.session.events import GivenBack
from portal.models import User
from portal.scope import Scope, all_organizations, scoped
from portal.services import audit

TICKET_S: Final = 60
RESUMED_S: Final = 12 * 3600  # a socket that comes back; longer than any call
_SALT: Final = "calls.listening"
_AGAIN: Final = "calls.listening.again"


@dataclass(frozen=True)
class ListenSeat:
    """A person's right to hear one call, from its ticket.

    `again` is the ticket for a socket that comes back to the same seat.
    """

    call_id: UUID
    agency_id: UUID
    organization_id: UUID
    node_id: UUID
    watch_id: str
    user_id: UUID
    name: str
    again: str

    @property
    def scope(self) -> Scope:
        return Scope(self.agency_id, self.organization_id)


@transaction.atomic
def start_listening(*, call: Call, actor: User) -> str:
    """Return a ticket for one socket within a minute; it is audited and shown on the call.

    Raises `CallNotActive` for a call nobody talks in.
    """
    if call.status != Call.Status.IN_PROGRESS:
        raise CallNotActive
    audit.record(
        organization=call.organization, actor=actor, action="call.listened", target=call
    )
    note(call, "listened", actor)
    return signing.dumps(
        {
            "call": str(call.pk),
            "watch": uuid4().hex,
            "user": str(actor.pk),
            "name": actor.name or actor.email,
        },
        salt=_SALT,
    )


def take_listening_seat(*, call_id: UUID, ticket: str) -> ListenSeat:
    """Exchange a ticket for a seat, or raise `BadCallToken`."""
    said = _said(ticket)
    if said["call"] != str(call_id):
        raise BadCallToken
    with all_organizations("the ticket says which call it belongs to"):
        call = Call.objects.filter(
            pk=call_id, status=Call.Status.IN_PROGRESS, node__isnull=False
        ).first()
    if call is None or call.node_id is None:
        raise BadCallToken
    return ListenSeat(
        call.pk,
        call.agency_id,
        call.organization_id,
        call.node_id,
        said["watch"],
        UUID(said["user"]),
        said["name"],
        signing.dumps(said, salt=_AGAIN),
    )


def _said(ticket: str) -> dict[str, Any]:
    for salt, age_s in ((_SALT, TICKET_S), (_AGAIN, RESUMED_S)):
        with suppress(signing.BadSignature):
            said: dict[str, Any] = signing.loads(ticket, salt=salt, max_age=age_s)
            return said
    raise BadCallToken


def note_take_over(*, seat: ListenSeat) -> None:
    """Write down that a person took a call over, before it happens.

    Raises `CallNotActive` where another person has: there is nothing to take.
    """
    with scoped(seat.scope), transaction.atomic():
        call = Call.objects.select_for_update().get(pk=seat.call_id)
        if is_with_a_person(call):
            raise CallNotActive
        _note(seat, "taken_over")


def note_given_back(
    *, scope: Scope, call_id: UUID, event_id: UUID, back: GivenBack
) -> None:
    """Write down that the assistant has the caller again; a repeated id changes nothing."""
    with scoped(scope), transaction.atomic():
        call = Call.objects.select_for_update().get(pk=call_id)
        if CallEvent.objects.filter(pk=event_id).exists():
            return
        who = (
            User.objects.filter(pk=back.user_id)
            if back.user_id
            else User.objects.none()
        )
        audit.record(
            organization=call.organization,
            actor=who.first(),
            action="call.given_back",
            target=call,
            changes={"connection_lost": back.is_lost},
        )
        CallEvent.objects.create(
            pk=event_id,
            organization=call.organization,
            call=call,
            kind="given_back",
            at=timezone.now(),
            at_ms=back.at_ms,
            data={"who": back.who, "is_lost": back.is_lost},
        )


def note_whisper(*, seat: ListenSeat) -> None:
    """Write down that a person whispers to the assistant, before they are heard."""
    _note(seat, "whispered")


def _note(seat: ListenSeat, kind: str) -> None:
    with scoped(seat.scope), transaction.atomic():
        call = Call.objects.select_related("organization").get(pk=seat.call_id)
        actor = User.objects.filter(pk=seat.user_id).first()
        audit.record(
            organization=call.organization,
            actor=actor,
            action=f"call.{kind}",
            target=call,
        )
        note(call, kind, actor)


def note(call: Call, kind: str, actor: User | None) -> None:
    """Keep on the call who listened or took over."""
    now = timezone.now()
    at_ms = (
        round((now - call.started_at).total_seconds() * 1000)
        if call.started_at
        else None
    )
    CallEvent.objects.create(
        organization=call.organization,
        call=call,
        kind=kind,
        at=now,
        at_ms=at_ms,
        data={"who": (actor.name or actor.email) if actor else ""},
    )
