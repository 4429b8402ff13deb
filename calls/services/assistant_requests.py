"""Asking a customer's server which assistant takes a call, and following its answer.

    question = question_for(order=order)                    database, before
    reply = await ask(question.listener, …)                 five seconds at most
    order = follow(order=order, question=question, reply=…) database, after

Whatever goes wrong on the way, the call goes on with the assistant it has.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from assistants.api import read_spec
from assistants.older_names import modernised
from assistants.queries import get_assistant
from calls.assistant_request import AssistantAnswer, BadAnswer, read_answer
from calls.models import Call, CallEvent
from calls.services.own_settings import (
    TRANSIENT_NAME,
    OwnWebhook,
    kept_settings,
    spec_of,
)
from calls.services.running import CallOrder, order_of
from calls.webhook_messages import LOADED, call_envelope
from common.http import OutboundError
from common.ids import uuid7
from portal.api.errors import InvalidRequest
from portal.scope import scoped
from portal.webhooks.asking import (
    ASSISTANT_REQUEST_S,
    Listener,
    Reply,
    ask,
    listener_for,
    note_question,
)
from portal.webhooks.kinds import ASSISTANT_REQUEST

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Question:
    """Who is asked about a call, and what."""

    listener: Listener
    data: dict[str, Any]

    async def put(self) -> Reply:
        """Ask; the reply is there within five seconds."""
        return await ask(
            self.listener,
            kind=ASSISTANT_REQUEST,
            data=self.data,
            timeout_s=ASSISTANT_REQUEST_S,
        )


@dataclass(frozen=True)
class TurnAway:
    """The receiver does not want the call; `text` is said to the caller first."""

    text: str


def question_for(*, order: CallOrder) -> Question | None:
    """Return whom to ask about a call, or `None` when nobody wants to be asked."""
    with scoped(order.scope):
        call = Call.objects.select_related(*LOADED).get(pk=order.call_id)
        listener = listener_for(
            organization=call.organization,
            kind=ASSISTANT_REQUEST,
            assistant_id=call.overrides.get("webhook_id") or call.assistant_id,
        )
        if listener is None:
            return None
        data = call_envelope(call)
        data["call"]["status"] = Call.Status.RINGING
        return Question(listener, data)


def follow(
    *, order: CallOrder, question: Question, reply: Reply
) -> CallOrder | TurnAway:
    """Give the call what the answer asks for and return its order as it is then.

    An answer that is late, broken or names what is not there changes nothing; the
    call's events and the delivery log say so.
    """
    with scoped(order.scope):
        call = Call.objects.select_related(*LOADED, "trunk").get(pk=order.call_id)
        problem = reply.error
        answer = AssistantAnswer()
        if reply.is_useful:
            try:
                with transaction.atomic():
                    answer = read_answer(reply.value)
                    _apply(call, answer)
            except BadAnswer as error:
                problem = str(error)
            except InvalidRequest as error:
                problem = f"{error.param}: {error}" if error.param else str(error)
            except OutboundError as error:
                problem = f"webhook_url: {error}"
            except Http404:
                problem = "There is no such assistant."
        note_question(
            organization=call.organization,
            listener=question.listener,
            kind=ASSISTANT_REQUEST,
            reply=reply,
            call_id=call.pk,
        )
        if problem:
            _note(call, problem)
            return order
        if answer.error:
            return TurnAway(answer.error)
        return order if answer.changes_nothing else order_of(call)


def _apply(call: Call, answer: AssistantAnswer) -> None:
    """Write what the answer asks for; raise and leave the call as it was."""
    fields: dict[str, Any] = {}
    if answer.metadata:
        call.metadata = fields["metadata"] = call.metadata | answer.metadata
    if answer.assistant_id is not None:
        assistant = get_assistant(answer.assistant_id)
        if not assistant.is_active:
            raise BadAnswer("The assistant is switched off.")
        call.assistant = fields["assistant"] = assistant
        call.version = fields["version"] = assistant.current_version
        call.overrides = fields["overrides"] = {
            name: value for name, value in call.overrides.items() if name != "spec"
        }
    own = answer.assistant if answer.assistant is not None else answer.override
    if own:
        call.overrides = fields["overrides"] = call.overrides | _settings(
            call, dict(own), is_transient=answer.assistant is not None
        )
        if answer.assistant is not None:
            call.assistant = fields["assistant"] = None
            call.version = fields["version"] = None
    if fields:
        Call.objects.filter(pk=call.pk, status__in=Call.LIVE).update(**fields)


def _settings(call: Call, own: dict[str, Any], *, is_transient: bool) -> dict[str, Any]:
    secret, url = own.pop("webhook_secret", None), own.get("webhook_url")
    if is_transient:
        values = {"name": TRANSIENT_NAME, **modernised(own)}
    else:
        values = spec_of(call).model_dump(mode="json", by_alias=True) | modernised(own)
    spec = read_spec(values)
    webhook = None
    if isinstance(url, str) and url:
        secret = secret if isinstance(secret, str) else None
        webhook = OwnWebhook(url, spec.webhook_events, secret)
    return kept_settings(organization=call.organization, spec=spec, webhook=webhook)


def _note(call: Call, problem: str) -> None:
    logger.info("assistant request without use", extra={"call_id": str(call.pk)})
    CallEvent.objects.create(
        pk=uuid7(),
        organization_id=call.organization_id,
        agency_id=call.agency_id,
        call=call,
        kind="webhook",
        at=timezone.now(),
        data={"kind": ASSISTANT_REQUEST, "error": problem[:300]},
    )
