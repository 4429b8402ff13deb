"""Opening an agency or a client so that its first call can be made at once."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from billing.ledger import open_accounts
from billing.offers import give_trial_to
from config.clients.library import copy_templates
from portal.models import Organization, Portal, Role, User
from portal.scope import organization_scope
from portal.services.invitations import offer_place
from portal.services.organizations import open_agency, open_client


@transaction.atomic
def open_complete_agency(
    *, name: str, slug: str, owner_email: str, language: str, actor: User | None
) -> tuple[Portal, str]:
    """Open an agency with a portal and a wallet, and invite its owner; all or nothing.

    Returns the token of the invitation, which is mailed, as well. Raises
    `ValidationError` for a slug that is taken, kept back or looks like another.
    """
    portal = open_agency(name=name, slug=slug, actor=actor, language=language)
    with organization_scope(portal.agency):
        open_accounts(portal.agency)
    _row, token = offer_place(
        organization=portal.agency, email=owner_email, role=Role.OWNER, actor=actor
    )
    return portal, token


@transaction.atomic
def open_furnished_client(
    *, agency: Organization, name: str, actor: User | None
) -> Organization:
    """Open a client with wallet, trial credits and the agency's templates; all or nothing."""
    client = open_client(agency=agency, name=name, actor=actor)
    with organization_scope(client):
        open_accounts(client)
    give_trial_to(client, timezone.now())
    copy_templates(agency=agency, client=client, actor=actor)
    return client


@transaction.atomic
def open_complete_client(
    *,
    agency: Organization,
    name: str,
    owner_email: str,
    actor: User | None,
    by_mail: bool = True,
) -> tuple[Organization, str]:
    """Open a furnished client and invite its owner; all of it or nothing.

    Returns the token of the owner's invitation as well, which is
    mailed unless `by_mail` is off.
    """
    client = open_furnished_client(agency=agency, name=name, actor=actor)
    _row, token = offer_place(
        organization=client,
        email=owner_email,
        role=Role.OWNER,
        actor=actor,
        by_mail=by_mail,
    )
    return client, token
