"""Telling an organization's owners and admins that an endpoint does not answer."""

from __future__ import annotations

import re
from typing import Final

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.lazy_text import lazy_sentence
from portal.hosts import portal_url
from portal.mail import send_mail
from portal.models import Membership, Portal, Role, WebhookEndpoint

# As the delivery log has it.
_STATUS: Final = re.compile(r"HTTP (\d{3})")


def in_words(problem: str) -> str | Promise:
    """Return what went wrong as a sentence, for people who do not read status codes."""
    status = _STATUS.fullmatch(problem)
    if status is None:
        return problem
    if status[1] == "410":
        return _("It answered that it is gone for good (status 410).")
    return lazy_sentence(
        _("It answered with status %(status)s."), {"status": status[1]}
    )


def tell_of_failing(endpoint: WebhookEndpoint, problem: str) -> None:
    """Mail once for a row of failures: the endpoint is tried less often now."""
    _tell(endpoint, problem, mark=f"failing:{endpoint.failing_since}")


def tell_of_disabling(endpoint: WebhookEndpoint, problem: str) -> None:
    """Mail that an endpoint was switched off."""
    _tell(endpoint, problem, mark=f"off:{endpoint.failing_since}", is_disabled=True)


def _tell(
    endpoint: WebhookEndpoint, problem: str, *, mark: str, is_disabled: bool = False
) -> None:
    organization = endpoint.organization
    portal = Portal.objects.filter(agency_id=endpoint.agency_id).first()
    if portal is None:
        return
    people = Membership.objects.filter(
        organization=organization, role__in=(Role.OWNER, Role.ADMIN)
    ).select_related("user")
    for member in people:
        send_mail(
            organization=organization,
            template="webhook_trouble",
            to=member.user.email,
            context={
                "address": endpoint.url,
                "organization_name": organization.name,
                "problem": in_words(problem),
                "failing_since": endpoint.failing_since,
                "failures": endpoint.failures_in_row,
                "is_disabled": is_disabled,
                "url": portal_url(
                    portal,
                    reverse(
                        "webhook_detail",
                        args=[endpoint.pk],
                        urlconf="config.urls",
                    ),
                ),
            },
            idempotency_key=f"webhook:{endpoint.pk}:{mark}:{member.user_id}"[:200],
        )
