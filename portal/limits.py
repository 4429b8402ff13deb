"""What an agency allows its client, asked where the client makes something new."""

from __future__ import annotations

from django.utils.translation import gettext as _

from portal.models import Organization


class PlanLimit(Exception):
    """The organization has as much of something as it may; the text is for people."""

    code = "limit_reached"


def check_assistants(organization: Organization, there_are: int) -> None:
    """Raise `PlanLimit` when one more assistant would be too many."""
    limit = organization.max_assistants
    if limit is not None and there_are >= limit:
        raise PlanLimit(
            _(
                "Your plan has room for %(count)d assistants. Delete one, or ask for more."
            )
            % {"count": limit}
        )


def check_numbers(organization: Organization, there_are: int) -> None:
    """Raise `PlanLimit` when one more number would be too many."""
    limit = organization.max_numbers
    if limit is not None and there_are >= limit:
        raise PlanLimit(
            _("Your plan has room for %(count)d numbers. Remove one, or ask for more.")
            % {"count": limit}
        )
