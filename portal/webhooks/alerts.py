"""Telling an organization's owners and admins that an endpoint does not answer."""

from __future__ import annotations

from django.urls import reverse

from portal.hosts import portal_url
from portal.mail import send_mail
from portal.models import Membership, Portal, Role, WebhookEndpoint


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
                "problem": problem,
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
