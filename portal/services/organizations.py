"""Opening agencies and clients, and the people in them."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import transaction

from portal.models import Membership, Organization, Portal, Role, User
from portal.scope import all_organizations, organization_scope
from portal.services import audit


@transaction.atomic
def open_agency(
    *, name: str, slug: str, actor: User | None, language: str = "en"
) -> Portal:
    """Create an agency and its portal at `slug`."""
    agency = Organization(name=name)
    portal = Portal(agency=agency, slug=slug, name=name, language=language)
    portal.full_clean(exclude=["agency"])
    with all_organizations("a new organization has no scope yet"):
        agency.save(force_insert=True)
        portal.save(force_insert=True)
    with organization_scope(agency):
        audit.record(
            organization=agency, actor=actor, action="agency.opened", target=agency
        )
    return portal


@transaction.atomic
def open_client(*, agency: Organization, name: str, actor: User | None) -> Organization:
    """Create a client below an agency. Clients have no clients of their own."""
    if not agency.is_agency:
        raise ValidationError("Only an agency has clients.")
    client = Organization(name=name, parent=agency)
    client.full_clean(validate_unique=False, validate_constraints=False)
    with all_organizations("a new organization has no scope yet"):
        client.save(force_insert=True)
    with organization_scope(client):
        audit.record(
            organization=client,
            actor=actor,
            action="client.opened",
            target=client,
            changes={"name": name},
        )
    return client


@transaction.atomic
def set_status(
    *, organization: Organization, status: Organization.Status, actor: User | None
) -> bool:
    """Suspend, reopen or archive; return whether that changed anything.

    Only an active organization may start calls; those going on are finished. Its
    clients keep their own status. One that comes back from the archive is no longer to
    be erased. Locks the row; a second time writes nothing.
    """
    with all_organizations("an organization does not move itself"):
        row = Organization.objects.select_for_update(of=("self",), no_key=True).get(
            pk=organization.pk
        )
        before = row.status
        if before == status:
            return False
        row.status = status
        if status != Organization.Status.ARCHIVED:
            row.delete_at = None
        row.save(update_fields=["status", "delete_at"])
        audit.record(
            organization=row,
            actor=actor,
            action="organization.moved",
            target=row,
            changes={"status": [before, str(status)]},
        )
    organization.status, organization.delete_at = status, row.delete_at
    return True


@transaction.atomic
def add_member(
    *,
    organization: Organization,
    email: str,
    role: Role,
    actor: User | None,
    name: str = "",
    password: str | None = None,
) -> Membership:
    """Give a person a role in an organization; the person is made when new.

    An existing person keeps name and password: `password` only sets a new one's.
    """
    address = User.objects.normalize_email(email).lower()
    user = User.objects.filter(email__iexact=address).first()
    if user is None:
        user = User.objects.create_user(address, password, name=name)
        EmailAddress.objects.create(
            user=user, email=address, primary=True, verified=True
        )
    membership, _ = Membership.objects.update_or_create(
        user=user, organization=organization, defaults={"role": role}
    )
    with organization_scope(organization):
        audit.record(
            organization=organization,
            actor=actor,
            action="member.added",
            target=membership,
            changes={"email": address, "role": str(role)},
        )
    return membership
