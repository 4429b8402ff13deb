"""Making, changing and switching off endpoints, and replacing what they sign with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from common.http import check_url
from common.http.client import allowed_networks
from portal.models import Organization, User, WebhookDelivery, WebhookEndpoint
from portal.services import audit
from portal.webhooks import kinds
from portal.webhooks.region import require_declared
from portal.webhooks.signing import new_secret

OVERLAP: Final = timedelta(hours=24)
_SHOWN: Final = 4


class TooManyEndpoints(Exception):
    """An organization has a limited number of endpoints; the message is for people."""


MAX_ENDPOINTS: Final = 20


@transaction.atomic
def create_endpoint(
    *,
    organization: Organization,
    url: str,
    events: Sequence[str],
    actor: User | None,
    description: str = "",
    secret: str = "",
    assistant_id: UUID | None = None,
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint and return it with its secret, which is never readable again.

    Raises `OutboundError` for an address we would not send to, `TooManyEndpoints`.
    """
    check_url(url, allowed=allowed_networks())
    require_declared(organization, url)
    others = WebhookEndpoint.objects.filter(assistant_id__isnull=True)
    if assistant_id is None and others.count() >= MAX_ENDPOINTS:
        raise TooManyEndpoints(f"At most {MAX_ENDPOINTS} endpoints.")
    secret = secret or new_secret()
    endpoint = WebhookEndpoint(
        organization=organization,
        assistant_id=assistant_id,
        url=url,
        description=description,
        events=list(events),
        secret=secret,
        secret_hint=secret[-_SHOWN:],
    )
    endpoint.save(force_insert=True)
    _record(endpoint, actor, "created", {"url": url})
    return endpoint, secret


@transaction.atomic
def change_endpoint(
    *, endpoint: WebhookEndpoint, changes: dict[str, Any], actor: User | None
) -> None:
    """Change address, description or events; another address closes the breaker."""
    if "url" in changes:
        check_url(changes["url"], allowed=allowed_networks())
        if changes["url"] != endpoint.url:
            require_declared(endpoint.organization, changes["url"])
            changes = changes | _UNHARMED
    if _update(endpoint, changes):
        _record(
            endpoint,
            actor,
            "changed",
            {
                name: changes[name]
                for name in changes
                if name in ("url", "events", "description")
            },
        )


@transaction.atomic
def rotate_secret(
    *,
    endpoint: WebhookEndpoint,
    actor: User | None,
    overlap: timedelta = OVERLAP,
    secret: str = "",
) -> str:
    """Give an endpoint a new secret and return it; the one before signs beside it a while."""
    row = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    row.previous_secret = row.secret if overlap else ""
    row.previous_until = timezone.now() + overlap if overlap else None
    row.secret = secret or new_secret()
    row.secret_hint = row.secret[-_SHOWN:]
    row.save(
        update_fields=[
            "secret",
            "secret_hint",
            "previous_secret",
            "previous_until",
            "updated_at",
        ]
    )
    _record(endpoint, actor, "secret_rotated", {})
    return row.secret


_UNHARMED: Final[dict[str, Any]] = {
    "failures_in_row": 0,
    "failing_since": None,
    "paused_until": None,
}


@transaction.atomic
def enable_endpoint(*, endpoint: WebhookEndpoint, actor: User | None) -> None:
    """Send again, from now on; what was given up meanwhile can be replayed."""
    if _update(
        endpoint,
        {"status": WebhookEndpoint.Status.ENABLED, "disabled_reason": "", **_UNHARMED},
        status=WebhookEndpoint.Status.DISABLED,
    ):
        _record(endpoint, actor, "enabled", {})


@transaction.atomic
def disable_endpoint(
    *, endpoint: WebhookEndpoint, reason: str, actor: User | None
) -> bool:
    """Send nothing more and give up what waits; return whether it was enabled."""
    was_enabled = _update(
        endpoint,
        {"status": WebhookEndpoint.Status.DISABLED, "disabled_reason": reason},
        status=WebhookEndpoint.Status.ENABLED,
    )
    if was_enabled:
        WebhookDelivery.objects.filter(
            endpoint=endpoint, status=WebhookDelivery.Status.PENDING
        ).update(
            status=WebhookDelivery.Status.FAILED,
            finished_at=timezone.now(),
            error="The endpoint was switched off.",
        )
        _record(endpoint, actor, "disabled", {"reason": reason})
    return was_enabled


@transaction.atomic
def delete_endpoint(*, endpoint: WebhookEndpoint, actor: User | None) -> None:
    """Forget an endpoint and its deliveries."""
    _record(endpoint, actor, "deleted", {"url": endpoint.url})
    endpoint.delete()


@transaction.atomic
def follow_assistant(
    *,
    organization: Organization,
    assistant_id: UUID,
    url: str | None,
    events: Sequence[str] | None,
    secret: str | None = None,
    actor: User | None = None,
) -> None:
    """Make the endpoint of an assistant what its settings say; without `url` there is none.

    `events` of `None` are all four; `secret` of `None` keeps the one there is, and one
    is made for a new endpoint. Saving the same again writes nothing.
    """
    endpoint = WebhookEndpoint.objects.filter(assistant_id=assistant_id).first()
    if not url:
        if endpoint is not None:
            delete_endpoint(endpoint=endpoint, actor=actor)
        return
    wanted = list(kinds.OF_ASSISTANTS if events is None else events)
    if endpoint is None:
        create_endpoint(
            organization=organization,
            assistant_id=assistant_id,
            url=url,
            events=wanted,
            secret=secret or "",
            actor=actor,
        )
        return
    if (endpoint.url, endpoint.events) != (url, wanted):
        changes = {"url": url, "events": wanted}
        change_endpoint(endpoint=endpoint, changes=changes, actor=actor)
    if secret and secret != endpoint.secret:
        rotate_secret(
            endpoint=endpoint, actor=actor, overlap=timedelta(), secret=secret
        )


def _update(endpoint: WebhookEndpoint, changes: dict[str, Any], **only: Any) -> bool:
    rows = WebhookEndpoint.objects.filter(pk=endpoint.pk, **only)
    return bool(rows.update(updated_at=timezone.now(), **changes))


def _record(
    endpoint: WebhookEndpoint, actor: User | None, what: str, changes: dict[str, Any]
) -> None:
    audit.record(
        organization=endpoint.organization,
        actor=actor,
        action=f"webhook_endpoint.{what}",
        target=endpoint,
        changes=changes,
    )
