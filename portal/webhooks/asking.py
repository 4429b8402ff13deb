"""The two questions whose answers a call waits for, put within a hard deadline.

    listener = listener_for(organization=…, kind="tool-calls", assistant_id=…)
    reply = await ask(listener, kind="tool-calls", data=…, timeout_s=10)
    note_question(listener, reply, …)             afterwards, for the delivery log

Asking reads nothing from the database and writes nothing to it: what it adds to the
receiver's own time is a signature and, on the first question, a connection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from common.http import Answer, OutboundError, Request, request
from common.http.addresses import host_of
from common.ids import uuid7
from common.redaction import redact, redact_json
from portal.models import (
    Organization,
    Portal,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from portal.policy import Policy
from portal.scope import organization_scope
from portal.sealed import ToSeal
from portal.services.privacy import policy_of
from portal.webhooks import kinds
from portal.webhooks.recording import message_body, wanting
from portal.webhooks.sending import NOT_BELIEVED, Sending
from portal.webhooks.settling import settle
from portal.webhooks.signing import signed_headers, user_agent

ASSISTANT_REQUEST_S: Final = 5.0
TOOL_CALLS_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 512 * 1024
_SAID: Final = frozenset({"tool_call_list"})  # of a question: what came up in the call


@dataclass(frozen=True)
class Listener:
    """Who is asked. `endpoint_id` is empty for an address that a tool names itself."""

    url: str
    secrets: tuple[str, ...]
    agent: str
    endpoint_id: UUID | None = None


@dataclass(frozen=True)
class Reply:
    """What came back: `value` if it was JSON in time, else `error` in words."""

    value: Any = None
    error: str = ""
    body: str = ""
    event_id: UUID = field(default_factory=uuid7)
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Answer | None = None

    @property
    def is_useful(self) -> bool:
        return not self.error


def listener_for(
    *,
    organization: Organization,
    kind: str,
    assistant_id: UUID | str | None = None,
    url: str = "",
    secret: str = "",
) -> Listener | None:
    """Return who answers: a tool's own `url`, else the assistant's, else the organization's.

    A tool without a secret of its own is signed for with that of whoever would answer
    otherwise. `None` when there is nobody, or they have failed so often that a call
    need not wait for them now.
    """
    with organization_scope(organization):
        found = wanting(organization, kind, assistant_id)
        endpoint = min(found, key=_is_paused, default=None)
        secrets = (secret,) if secret else endpoint.secrets if endpoint else ()
        name = (
            Portal.objects.filter(agency_id=organization.agency_id)
            .values_list("name", flat=True)
            .first()
        )
    agent = user_agent(name or "")
    if url:
        return Listener(url, secrets, agent)
    if endpoint is None or _is_paused(endpoint):
        return None
    if not policy_of(organization).allows_host(host_of(endpoint.url)):
        return None
    return Listener(endpoint.url, secrets, agent, endpoint.pk)


async def ask(
    listener: Listener, *, kind: str, data: Mapping[str, Any], timeout_s: float
) -> Reply:
    """Put a question; the reply is there within `timeout_s`, whatever the receiver does."""
    until = time.monotonic() + timeout_s
    event_id = uuid7()
    body = message_body(kind, data, timezone.now())
    reply = Reply(error="No time was left.", body=body, event_id=event_id)
    for secrets in _orders(listener.secrets):
        headers = signed_headers(
            message_id=f"msg_{event_id.hex}",
            kind=kind,
            body=body.encode(),
            secrets=secrets,
            timestamp=int(time.time()),
            agent=listener.agent,
        )
        left_s = until - time.monotonic()
        if left_s <= 0:
            break
        reply = await _once(listener, headers, body, event_id, left_s)
        if reply.answer is None or reply.answer.status not in NOT_BELIEVED:
            break
    return reply


async def _once(
    listener: Listener,
    headers: dict[str, str],
    body: str,
    event_id: UUID,
    timeout_s: float,
) -> Reply:
    shared: dict[str, Any] = {"body": body, "event_id": event_id, "headers": headers}
    try:
        answer = await request(
            Request(
                listener.url,
                headers=headers,
                body=body.encode(),
                timeout_s=timeout_s,
                max_answer_bytes=_MAX_ANSWER_BYTES,
            )
        )
    except OutboundError as error:
        return Reply(error=str(error), **shared)
    if not answer.is_success:
        return Reply(error=f"HTTP {answer.status}", answer=answer, **shared)
    try:
        value = json.loads(answer.body) if answer.body.strip() else {}
    except (ValueError, RecursionError):
        return Reply(error="The answer is not JSON.", answer=answer, **shared)
    return Reply(value=value, answer=answer, **shared)


def note_question(
    *,
    organization: Organization,
    listener: Listener,
    kind: str,
    reply: Reply,
    call_id: UUID | None,
    names: Collection[str] = (),
) -> None:
    """Put a question into the delivery log of its endpoint, and count how it went.

    The log keeps it without what the organization's policy takes out of texts; `names`
    are those of the call. Who was asked has seen it whole: a tool works with it.

    A question put to a tool's own address has no endpoint and leaves nothing.
    """
    with organization_scope(organization), transaction.atomic():
        endpoint = (
            WebhookEndpoint.objects.filter(pk=listener.endpoint_id).first()
            if listener.endpoint_id
            else None
        )
        if endpoint is None:
            return
        owner: dict[str, Any] = {
            "organization_id": organization.pk,
            "agency_id": organization.agency_id,
            "kind": kind,
            "call_id": call_id,
        }
        policy = policy_of(organization)
        body = _redacted(reply.body, policy, names)
        body = ToSeal(body) if policy.seals_content else body
        event = WebhookEvent(pk=reply.event_id, body=body, **owner)
        delivery = WebhookDelivery(endpoint=endpoint, event=event, **owner)
        event.save(force_insert=True)
        delivery.save(force_insert=True)
        settle(
            Sending(
                delivery,
                (),
                headers=dict(reply.headers),
                answer=_answer_kept(reply.answer, kind, policy, names),
                error=reply.error,
            ),
            is_final=True,
        )


def _redacted(body: str, policy: Policy, names: Collection[str]) -> str:
    """Return a question with what a tool was given as the policy has it kept."""
    if not policy.redacted:
        return body
    told = json.loads(body)
    message = told["message"]
    for key in _SAID & message.keys():
        message[key] = redact_json(message[key], policy.redacted, names)
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _answer_kept(
    answer: Answer | None, kind: str, policy: Policy, names: Collection[str]
) -> Answer | None:
    if answer is None or kind != kinds.TOOL_CALLS or not policy.redacted:
        return answer
    text = answer.body.decode("utf-8", "replace")
    return replace(answer, body=redact(text, policy.redacted, names).text.encode())


def _orders(secrets: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [secrets, *([secrets[1:]] if len(secrets) > 1 else [])]


def _is_paused(endpoint: WebhookEndpoint) -> bool:
    return endpoint.paused_until is not None and endpoint.paused_until > timezone.now()
