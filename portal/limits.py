"""What an agency allows its client, asked where the client makes something new.

Each check runs in the transaction of what is made and locks the organization's row
while there is a limit, so that two at once do not both take the last place.
"""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import ngettext

from portal.models import Membership, Organization
from portal.scope import organization_scope


class PlanLimit(Exception):
    """The organization has as much of something as it may; the text is for people."""


def check_assistants(organization: Organization, there_are: QuerySet[Any]) -> None:
    """Raise `PlanLimit` when one more assistant would be too many."""
    limit = _reached(organization, "max_assistants", there_are)
    if limit is not None:
        raise PlanLimit(
            ngettext(
                "Your plan has room for %(count)d assistant. Delete one, or ask for more.",
                "Your plan has room for %(count)d assistants. Delete one, or ask for more.",
                limit,
            )
            % {"count": limit}
        )


def check_numbers(organization: Organization, there_are: QuerySet[Any]) -> None:
    """Raise `PlanLimit` when one more number would be too many."""
    limit = _reached(organization, "max_numbers", there_are)
    if limit is not None:
        raise PlanLimit(
            ngettext(
                "Your plan has room for %(count)d number. Remove one, or ask for more.",
                "Your plan has room for %(count)d numbers. Remove one, or ask for more.",
                limit,
            )
            % {"count": limit}
        )


def check_people(organization: Organization) -> None:
    """Raise `PlanLimit` when one more person in the team would be too many."""
    people = Membership.objects.filter(organization=organization)
    limit = _reached(organization, "max_members", people)
    if limit is not None:
        raise PlanLimit(
            ngettext(
                "Your plan has room for %(count)d person. Ask for more room.",
                "Your plan has room for %(count)d people. Ask for more room.",
                limit,
            )
            % {"count": limit}
        )


def _reached(
    organization: Organization, name: str, there_are: QuerySet[Any]
) -> int | None:
    """Return the limit when there are as many, read anew."""
    if getattr(organization, name) is None:
        return None
    with organization_scope(organization):
        locked = Organization.objects.select_for_update(of=("self",), no_key=True)
        limit: int | None = getattr(locked.get(pk=organization.pk), name)
    return limit if limit is not None and there_are.count() >= limit else None
