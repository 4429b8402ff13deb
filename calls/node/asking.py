"""Asking the customer's own system which assistant takes a call, before it is answered."""

from __future__ import annotations

import logging

from calls.node import database
from calls.services import assistant_requests
from calls.services.assistant_requests import TurnAway
from calls.services.running import CallOrder

logger = logging.getLogger(__name__)


class Rejected(Exception):
    """The customer's system wants the call turned away; the text is said to the caller."""


async def ask_for_assistant(order: CallOrder) -> CallOrder | None:
    """Return the order as it is answered now, or `None` when nobody wants to be asked.

    Takes five seconds at most, beside the database; what goes wrong changes nothing.
    """
    try:
        question = await database.ask(assistant_requests.question_for, order=order)
        if question is None:
            return None
        reply = await question.put()
        changed = await database.ask(
            assistant_requests.follow, order=order, question=question, reply=reply
        )
    except database.AWAY:
        logger.warning("not asked: no database", extra={"call": str(order.call_id)})
        return None
    if isinstance(changed, TurnAway):
        raise Rejected(changed.text)
    return changed
