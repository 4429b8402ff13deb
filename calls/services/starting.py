"""Starting a call: every check, every reservation and the row, in one transaction.

Whatever starts a call comes through here and `calls.services.opening`, so a call that
exists has its credits held, its place on a voice node, and the version of the assistant
it will use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from assistants.models import Assistant
from billing.errors import NotEnoughCredits
from calls.errors import CallRefused, DestinationRefused
from calls.models import Call
from calls.services.opening import NewCall, Opening
from portal.models import Organization, User


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
    opening = Opening(_locked(organization))
    if (existing := Call.objects.filter(pk=new.call_id).first()) is not None:
        return existing
    call = opening.open(assistant=assistant, new=new, actor=actor)
    opening.store()
    return call


@dataclass(frozen=True)
class Order:
    """One call of several that are to be opened together."""

    assistant: Assistant
    new: NewCall
    actor: User | None


Answer = Call | CallRefused | NotEnoughCredits


@transaction.atomic
def open_calls(*, organization: Organization, orders: Sequence[Order]) -> list[Answer]:
    """Open calls in turn as `open_call` does; return the call or the refusal of each.

    A number that may not be called stops only its own call. Any other refusal would
    meet those behind it as well: the list ends with it. Those opened are stored all or
    none.
    """
    opening = Opening(_locked(organization))
    ids = [order.new.call_id for order in orders]
    existing = Call.objects.in_bulk(ids)
    answers: list[Answer] = []
    for order in orders:
        if (call := existing.get(order.new.call_id)) is not None:
            answers.append(call)
            continue
        try:
            call = opening.open(
                assistant=order.assistant, new=order.new, actor=order.actor
            )
        except DestinationRefused as refusal:
            answers.append(refusal)
        except (CallRefused, NotEnoughCredits) as refusal:
            answers.append(refusal)
            break
        else:
            answers.append(call)
    opening.store()
    return answers


def _locked(organization: Organization) -> Organization:
    # No key lock: what others write for this organization meanwhile need not wait.
    return Organization.objects.select_for_update(of=("self",), no_key=True).get(
        pk=organization.pk
    )
