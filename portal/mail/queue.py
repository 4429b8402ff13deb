"""Writing down a mail that is to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.languages import language_for
from portal.mail.kinds import kind_of
from portal.mail.rendering import render_mail
from portal.models import Organization, OutgoingMail, Portal
from portal.scope import all_organizations, organization_scope


def send_mail(
    *,
    organization: Organization | None,
    template: str,
    to: str,
    context: Mapping[str, Any],
    idempotency_key: str,
    call_id: UUID | None = None,
) -> OutgoingMail:
    """Queue one mail in the caller's transaction; it leaves only if that commits.

    It is rendered here, so that a broken template fails its caller and not the worker:
    in the brand of the organization's portal, in its time zone, and in the reader's
    language, lazy strings of the context included. The same key of the same
    organization again writes nothing and returns the first mail. `call_id` is the call
    whose content it tells: the body goes when that does.
    `organization` is None for the operator's own people only.
    """
    kind = kind_of(template)
    with (
        organization_scope(organization)
        if organization is not None
        else all_organizations("the operator's own mails belong to no organization")
    ):
        same = OutgoingMail.objects.filter(
            organization=organization, idempotency_key=idempotency_key
        )
        if (before := same.first()) is not None:
            return before
        portal = portal_of(organization)
        language = language_for(to, portal)
        zone = None if organization is None else ZoneInfo(organization.time_zone)
        with timezone.override(zone):
            rendered = render_mail(
                template, portal=portal, language=language, context=context
            )
        try:
            with transaction.atomic():
                return OutgoingMail.objects.create(
                    organization=organization,
                    template=template,
                    call_id=call_id,
                    recipient=to,
                    language=language,
                    subject=rendered.subject,
                    text=rendered.text,
                    html=rendered.html,
                    is_secret=kind.is_secret,
                    idempotency_key=idempotency_key,
                    due_at=timezone.now(),
                )
        except IntegrityError:  # another transaction was first
            return same.get()


def portal_of(organization: Organization | None) -> Portal | None:
    """Return the portal an organization is a guest of."""
    if organization is None:
        return None
    return Portal.objects.filter(agency=organization.agency_id).first()
