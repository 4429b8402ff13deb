"""An assistant's own webhook: its address and events are settings, its secret is not.

The address is kept as an endpoint, so that what was sent there is in the log and the
secret is sealed. The settings are what an endpoint follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from assistants.models import Assistant
from assistants.spec import AssistantSpec
from common.http import OutboundError, check_url
from common.http.client import allowed_networks
from portal.models import User, WebhookEndpoint
from portal.webhooks.endpoints import follow_assistant

MASK: Final = "••••"


def address_fault(spec: AssistantSpec) -> str:
    """Return why events cannot be sent where the settings say; empty when they can."""
    if spec.webhook_url is None:
        return ""
    try:
        check_url(spec.webhook_url, allowed=allowed_networks())
    except OutboundError as error:
        return str(error)
    return ""


def follow_settings(
    *,
    assistant: Assistant,
    spec: AssistantSpec,
    actor: User | None,
    secret: str | None = None,
) -> None:
    """Make the endpoint what the settings say; `secret` of `None`, or a mask, keeps it."""
    if secret is not None and secret.startswith(MASK):
        secret = None
    follow_assistant(
        organization=assistant.organization,
        assistant_id=assistant.pk,
        url=spec.webhook_url,
        events=spec.webhook_events,
        secret=secret,
        actor=actor,
    )


def forget_endpoint(*, assistant: Assistant, actor: User | None) -> None:
    """Send nothing more for an assistant that is gone."""
    follow_assistant(
        organization=assistant.organization,
        assistant_id=assistant.pk,
        url=None,
        events=None,
        actor=actor,
    )


def endpoint_of(assistant: Assistant) -> WebhookEndpoint | None:
    """Return where the events of an assistant go, if its settings name an address."""
    return WebhookEndpoint.objects.filter(assistant_id=assistant.pk).first()


def secrets_shown(assistant_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what readers see of the secrets of these assistants' webhooks."""
    rows = WebhookEndpoint.objects.filter(assistant_id__in=list(assistant_ids))
    return {
        assistant_id: f"{MASK}{hint}"
        for assistant_id, hint in rows.values_list("assistant_id", "secret_hint")
        if assistant_id is not None
    }
