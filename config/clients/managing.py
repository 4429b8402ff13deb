"""Limits, notes and the end of a client."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from config.clients.library import Choice
from portal.host_cache import forget_portal
from portal.models import (
    APIKey,
    ClientNote,
    Invitation,
    Membership,
    Organization,
    Portal,
    User,
)
from portal.scope import agency_scope, all_organizations, organization_scope
from portal.services import audit
from portal.services.organizations import set_status

GRACE: Final = timedelta(days=30)
LIMIT_FIELDS: Final = (
    "name",
    "max_concurrent_calls",
    "max_minutes_per_month",
    "max_assistants",
    "max_numbers",
    "max_members",
    "api_rate_per_minute",
    "requires_second_factor",
    "features_off",
)
Status = Organization.Status


@transaction.atomic
def save_limits(*, client: Organization, actor: User | None) -> None:
    """Store limits and switches of a validated client, or of an agency as the operator does.

    They hold from the next request.
    """
    with organization_scope(client):
        before = Organization.objects.select_for_update(of=("self",)).get(pk=client.pk)
        changes = {
            name: [getattr(before, name), getattr(client, name)]
            for name in LIMIT_FIELDS
            if getattr(before, name) != getattr(client, name)
        }
        if not changes:
            return
        client.save(update_fields=list(changes))
        audit.record(
            organization=client,
            actor=actor,
            action="agency.limited" if client.is_agency else "client.limited",
            target=client,
            changes=changes,
        )


@transaction.atomic
def ask_for_deletion(*, client: Organization, actor: User | None) -> None:
    """Archive a client now and erase it after `GRACE`; it can be called off until then."""
    set_status(organization=client, status=Status.ARCHIVED, actor=actor)
    _set_end(client, timezone.now() + GRACE, actor, "client.deletion_asked")


@transaction.atomic
def call_off_deletion(*, client: Organization, actor: User | None) -> None:
    """Keep the client after all, suspended, so that nothing starts by surprise."""
    _set_end(client, None, actor, "client.deletion_called_off")
    set_status(organization=client, status=Status.SUSPENDED, actor=actor)


def _set_end(client: Organization, at: Any, actor: User | None, action: str) -> None:
    with organization_scope(client):
        Organization.objects.filter(pk=client.pk).update(delete_at=at)
        audit.record(
            organization=client,
            actor=actor,
            action=action,
            target=client,
            changes={"delete_at": at.isoformat() if at else None},
        )
    client.delete_at = at


def erase_due_clients() -> int:
    """Erase the clients whose grace is over; return how many.

    People, keys and invitations go and the name with them. What the law wants kept, the
    ledger and its papers, stays under the bare id; content of calls goes by the
    client's own retention.
    """
    with all_organizations("the end of a client is nobody else's business"):
        due = list(
            Organization.objects.filter(
                delete_at__lte=timezone.now(),
                status=Status.ARCHIVED,
                parent__isnull=False,
            )
        )
    for client in due:
        _erase(client)
    return len(due)


@transaction.atomic
def _erase(client: Organization) -> None:
    with organization_scope(client):
        now = timezone.now()
        Membership.objects.filter(organization=client).delete()
        Invitation.objects.filter(organization=client).delete()
        APIKey.objects.filter(revoked_at__isnull=True).update(revoked_at=now)
        audit.record(
            organization=client, actor=None, action="client.erased", target=client
        )
        Organization.objects.filter(pk=client.pk).update(
            name=f"Deleted {client.pk.hex[-6:]}", delete_at=None
        )


@transaction.atomic
def add_note(
    *, agency: Organization, client: Organization, text: str, author: User | None
) -> ClientNote:
    """Keep a remark that only the agency reads; without an author, a key wrote it."""
    with agency_scope(agency.pk):
        return ClientNote.objects.create(
            organization=agency, client=client, text=text, author=author
        )


@transaction.atomic
def save_set_up(*, portal: Portal, templates: Choice, actor: User | None) -> None:
    """Store how clients come, what they find, and whether the portal is on."""
    before = Portal.objects.select_for_update(no_key=True).get(pk=portal.pk)
    templates.keep_in(portal)
    fields = (
        "sign_up",
        "is_enabled",
        "disabled_notice",
        "disabled_speech",
        "template_assistant_ids",
        "template_library",
    )
    changes = {
        name: [getattr(before, name), getattr(portal, name)]
        for name in fields
        if getattr(before, name) != getattr(portal, name)
    }
    if not changes:
        return
    portal.save(update_fields=list(changes))
    forget_portal(portal)
    audit.record(
        organization=portal.agency,
        actor=actor,
        action="portal.set_up",
        target=portal,
        changes=changes,
    )
