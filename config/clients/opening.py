"""Opening a client so that its first call can be made at once."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from assistants.models import Assistant
from assistants.services import create_assistant
from billing.ledger import open_accounts
from billing.offers import give_trial_to
from portal.models import Organization, Portal, Role, User
from portal.scope import organization_scope
from portal.services.invitations import offer_place
from portal.services.organizations import open_client


@transaction.atomic
def open_complete_client(
    *,
    agency: Organization,
    name: str,
    owner_email: str,
    actor: User | None,
    by_mail: bool = True,
) -> tuple[Organization, str]:
    """Open a client with wallet, trial credits, the agency's templates and an invited owner.

    All of it or nothing. Returns the token of the owner's invitation as well, which is
    mailed unless `by_mail` is off.
    """
    client = open_client(agency=agency, name=name, actor=actor)
    with organization_scope(client):
        open_accounts(client)
    give_trial_to(client, timezone.now())
    copy_templates(agency=agency, client=client, actor=actor)
    _row, token = offer_place(
        organization=client,
        email=owner_email,
        role=Role.OWNER,
        actor=actor,
        by_mail=by_mail,
    )
    return client, token


def copy_templates(
    *, agency: Organization, client: Organization, actor: User | None
) -> list[Assistant]:
    """Give a client its own copies of the assistants the agency chose as templates.

    A copy lives on by itself: what the agency changes later does not reach it. Tools
    and analysis are part of an assistant and come along.
    """
    wanted = [UUID(text) for text in template_ids(agency)]
    with organization_scope(agency):
        templates = {
            assistant.pk: assistant
            for assistant in Assistant.objects.filter(
                pk__in=wanted, deleted_at__isnull=True, current_version__isnull=False
            ).select_related("current_version")
        }
    made = []
    with organization_scope(client):
        for template_id in wanted:
            template = templates.get(template_id)
            if template is not None and template.current_version is not None:
                made.append(
                    create_assistant(
                        organization=client,
                        spec=template.current_version.spec,
                        actor=actor,
                    )
                )
    return made


def template_ids(agency: Organization) -> list[str]:
    """Return which assistants of the agency new clients get copies of, in order."""
    portal = Portal.objects.filter(agency=agency).first()
    return list(portal.template_assistant_ids) if portal else []
