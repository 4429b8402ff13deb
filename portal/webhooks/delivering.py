"""Sending what the outbox holds, at least once.

The outcome is written after the answer came. A worker that dies in between has its
delivery sent again when the lease of `claiming` is over: a receiver may see it twice,
never not at all.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Final

from common.edges import contained
from common.http import Answer
from portal.models import WebhookDelivery
from portal.scope import all_organizations
from portal.webhooks.claiming import claim_due, with_event
from portal.webhooks.region import NOT_DECLARED, Declared
from portal.webhooks.sending import Sending
from portal.webhooks.settling import settle

logger = logging.getLogger(__name__)

_AT_ONCE: Final = 100
_LOOK_EVERY_S: Final = 0.25

_Flying = dict[Future[Answer], Sending]


def deliver_due(*, for_s: float = 20) -> int:
    """Send until nothing is due, or the time is over; return how many were tried.

    One endpoint that does not answer keeps no other waiting.
    """
    until = time.monotonic() + for_s
    flying: _Flying = {}
    declared = Declared()
    tried = 0
    with all_organizations("the outbox holds every organization's events"):
        while True:
            if time.monotonic() < until and len(flying) < _AT_ONCE:
                for delivery in claim_due(_AT_ONCE - len(flying)):
                    sending = Sending(delivery, delivery.endpoint.secrets)
                    tried += 1
                    if _may_leave(sending, declared):
                        flying[sending.start()] = sending
            if not flying:
                return tried
            _land_some(flying, timeout_s=_LOOK_EVERY_S)


def deliver_now(delivery: WebhookDelivery) -> WebhookDelivery:
    """Send one delivery while somebody waits for the result, and return it as it is then."""
    (loaded,) = with_event([delivery.pk])
    sending = Sending(loaded, loaded.endpoint.secrets)
    flying = {sending.start(): sending} if _may_leave(sending, Declared()) else {}
    while flying:
        _land_some(flying, timeout_s=None)
    return WebhookDelivery.objects.get(pk=delivery.pk)


def _may_leave(sending: Sending, declared: Declared) -> bool:
    """Whether the policy lets this one go where it is to go; else it is given up."""
    delivery = sending.delivery
    if declared.allows(
        delivery.agency_id, delivery.organization_id, delivery.endpoint.url
    ):
        return True
    sending.error = str(NOT_DECLARED)
    _settle_quietly(sending, is_final=True)
    return False


def _land_some(flying: _Flying, *, timeout_s: float | None) -> None:
    done, _others = wait(flying, timeout=timeout_s, return_when=FIRST_COMPLETED)
    for future in done:
        sending = flying.pop(future)
        sending.finish(future)
        if sending.may_be_mistrusted:
            again = Sending(sending.delivery, sending.secrets[1:])
            flying[again.start()] = again
            continue
        _settle_quietly(sending)


def _settle_quietly(sending: Sending, *, is_final: bool = False) -> None:
    name = str(sending.delivery.pk)
    # One that cannot be written must not keep the others waiting.
    with contained(logger, "delivery not settled", delivery=name):
        settle(sending, is_final=is_final)
