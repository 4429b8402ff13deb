"""How people of an organization sign in: second steps, and an agency's own providers."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from portal.models import Membership, Organization, Portal, SignInApp, User
from portal.scope import organization_scope
from portal.services import audit


@transaction.atomic
def require_second_factor(
    *, organization: Organization, is_required: bool, actor: User | None
) -> None:
    """Ask everybody of the organization for a second step, or no longer.

    It holds from the next page on: who has none is led to setting one up.
    """
    with organization_scope(organization):
        row = Organization.objects.select_for_update(of=("self",)).get(
            pk=organization.pk
        )
        if row.requires_second_factor == is_required:
            return
        row.requires_second_factor = is_required
        row.save(update_fields=["requires_second_factor"])
        audit.record(
            organization=organization,
            actor=actor,
            action="organization.second_factor",
            target=organization,
            changes={"requires_second_factor": [not is_required, is_required]},
        )


def count_second_factors(organization: Organization) -> tuple[int, int]:
    """Return how many of an organization's people have a second step, and how many are."""
    people = Membership.objects.filter(organization=organization)
    user_ids = list(people.values_list("user_id", flat=True))
    having = (
        Authenticator.objects.filter(user__in=user_ids)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .values("user")
        .distinct()
        .count()
    )
    return having, len(user_ids)


@transaction.atomic
def save_sign_in_app(
    *,
    agency: Organization,
    provider: str,
    client_id: str,
    secret: str,
    actor: User | None,
) -> None:
    """Store an agency's application at a provider; an empty secret keeps the one it has."""
    with organization_scope(agency):
        row = (
            SignInApp.objects.select_for_update(of=("self",))
            .filter(provider=provider)
            .first()
        )
        before = row.client_id if row else ""
        if row is None:
            row = SignInApp(organization=agency, provider=provider)
        row.client_id = client_id
        if secret:
            row.secret, row.hint = secret, secret[-4:]
        row.save()
        _note_at_portal(agency)
        audit.record(
            organization=agency,
            actor=actor,
            action="sign_in_app.saved",
            target=row,
            changes={
                "provider": provider,
                "client_id": [before, client_id],
                "secret": "changed" if secret else "kept",
            },
        )


@transaction.atomic
def remove_sign_in_app(
    *, agency: Organization, provider: str, actor: User | None
) -> bool:
    """Take a provider's button away; its people sign in another way.

    Return whether it was there: twice is once.
    """
    with organization_scope(agency):
        row = SignInApp.objects.filter(provider=provider).first()
        if row is None:
            return False
        audit.record(
            organization=agency,
            actor=actor,
            action="sign_in_app.removed",
            target=row,
            changes={"provider": provider},
        )
        row.delete()
        _note_at_portal(agency)
    return True


def _note_at_portal(agency: Organization) -> None:
    """Keep at the portal what its sign-in page shows, so that it need not ask."""
    portal = Portal.objects.select_for_update(no_key=True).get(agency=agency)
    portal.sign_in_apps = dict(SignInApp.objects.values_list("provider", "client_id"))
    portal.save(update_fields=["sign_in_apps"])
