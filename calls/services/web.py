"""Calls from a browser: starting one, and the short-lived tokens that open its socket."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from assistants.catalogue import thinks_for_free
from assistants.keys import keys_at_hand
from assistants.models import Assistant
from assistants.services import working_spec
from assistants.spec_secrets import opened, sealed
from assistants.writing import written_spec
from calls.errors import AssistantNotReady, BadCallToken, OriginRefused
from calls.models import Call
from calls.services.opening import NewCall
from calls.services.starting import open_call
from common.ids import uuid7
from portal.models import Organization, User
from portal.scope import all_organizations
from portal.services.privacy import policy_of

CARRIER = "webrtc"
WRITING = "text"
ONLY_SPEAKS = (
    "This model only speaks, and no text model of its vendor can be used here. Talk to "
    "the assistant instead."
)


@dataclass(frozen=True)
class StartedWebCall:
    """A call that waits for its browser; `token` is shown once and opens one socket."""

    call: Call
    token: str


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def start_web_call(
    *,
    organization: Organization,
    assistant: Assistant | None,
    actor: User | None,
    variables: dict[str, str] | None = None,
    overrides: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
    is_test: bool = False,
    carrier: str = CARRIER,
    widget_id: UUID | None = None,
    allowed_origins: Sequence[str] = (),
) -> StartedWebCall:
    """Hold the credits, reserve the place and return a token for the browser.

    With `allowed_origins`, only pages of those may use the token.

    If nobody comes with the token in time, the sweeper ends the call free of charge.
    Raises what `open_call` raises.
    """
    token = secrets.token_urlsafe(32)
    ttl = timedelta(seconds=settings.CALL_TOKEN_TTL_S)
    call = open_call(
        organization=organization,
        assistant=assistant,
        actor=actor,
        new=NewCall(
            call_id=uuid7(),
            direction=Call.Direction.WEB,
            carrier=carrier,
            lease_s=settings.CALL_TOKEN_TTL_S + settings.ICE_TIMEOUT_S,
            variables=dict(variables or {}),
            overrides=dict(overrides or {}),
            metadata=dict(metadata or {}),
            is_test=is_test,
            widget_id=widget_id,
            token_digest=digest_of(token),
            token_expires_at=timezone.now() + ttl,
            allowed_origins=tuple(allowed_origins),
        ),
    )
    return StartedWebCall(call, token)


def start_text_chat(
    *, organization: Organization, assistant: Assistant, actor: User | None
) -> StartedWebCall:
    """Start a conversation in writing with what is worked on: the draft, if there is one.

    It is a call like any other, carried as text. With a model that costs nothing it is a
    test call, free of charge. A realtime model is stood in for by a text model of its
    vendor. Raises `AssistantNotReady` without one, and what `open_call` raises.
    """
    overrides: dict[str, Any] = {}
    worked_on = working_spec(assistant)
    regions = policy_of(organization).regions
    spec = written_spec(worked_on, keys_at_hand(), regions)
    if spec is None:
        raise AssistantNotReady(ONLY_SPEAKS)
    if assistant.has_draft or spec is not worked_on:
        overrides["spec"] = sealed(opened(spec, organization.pk), organization.pk)
    return start_web_call(
        organization=organization,
        assistant=assistant,
        actor=actor,
        overrides=overrides,
        is_test=thinks_for_free(spec),
        carrier=WRITING,
    )


@dataclass(frozen=True)
class Seat:
    """A browser's right to one call: which call, whose, on which node, and how to come back."""

    call_id: UUID
    organization_id: UUID
    agency_id: UUID
    node_id: UUID | None
    status: str
    resume_token: str
    is_of_stranger: bool = False  # who came by a widget is told nothing of money


def take_seat(*, call_id: UUID, token: str, origin: str = "") -> Seat:
    """Exchange a call token (once) or a resume token (until the call ends) for a seat.

    Each seat gets a fresh resume token; the one before stops working, so of two tabs
    the last one that came holds the call. Raises `BadCallToken`, and `OriginRefused` for
    a good token in a page of another origin than the call allows; the token stays good.
    """
    digest = digest_of(token)
    resume = secrets.token_urlsafe(32)
    now = timezone.now()
    with all_organizations("the token says which call it belongs to"):
        calls = Call.objects.filter(pk=call_id, status__in=Call.LIVE)
        held = calls.filter(Q(token_digest=digest) | Q(resume_digest=digest))
        allowed = held.values_list("allowed_origins", flat=True).first()
        if allowed and origin.lower() not in allowed:
            raise OriginRefused
        taken = calls.filter(
            token_digest=digest, token_used_at__isnull=True, token_expires_at__gt=now
        ).update(token_used_at=now, resume_digest=digest_of(resume)) or calls.filter(
            resume_digest=digest
        ).exclude(resume_digest="").update(resume_digest=digest_of(resume))
        if not taken:
            raise BadCallToken
        call = Call.objects.get(pk=call_id)
    return Seat(
        call.pk,
        call.organization_id,
        call.agency_id,
        call.node_id,
        call.status,
        resume,
        is_of_stranger=call.widget_id is not None,
    )
