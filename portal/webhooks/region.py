"""Whether events may be sent where an endpoint leads, as the policy is at that moment.

Under a rule about regions an address of a customer's own must be declared to be inside
(`PrivacySettings.trusted_hosts`). It is looked at when an endpoint is made or changed,
and again with each delivery and each question: a policy may have become stricter since.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from common.http import OutboundError
from common.http.addresses import host_of
from portal.models import Organization
from portal.policy import Policy
from portal.services.privacy import policy_for, policy_of

NOT_DECLARED: Final[str | Promise] = _(
    "This host is not among those that your privacy settings declare to be in the "
    "allowed region."
)


class HostNotDeclared(OutboundError):
    """An address that the policy lets nothing be sent to."""

    def __init__(self) -> None:
        super().__init__(str(NOT_DECLARED), kind="host_not_declared")


def require_declared(organization: Organization, url: str) -> None:
    """Raise `HostNotDeclared` unless the organization's policy lets events go there."""
    if not policy_of(organization).allows_host(host_of(url)):
        raise HostNotDeclared


class Declared:
    """What may be sent where, for a short run over many organizations: one look each."""

    def __init__(self) -> None:
        self._policies: dict[UUID, Policy] = {}

    def allows(self, agency_id: UUID, organization_id: UUID, url: str) -> bool:
        policy = self._policies.get(organization_id)
        if policy is None:
            policy = policy_for(agency_id, organization_id)
            self._policies[organization_id] = policy
        return policy.allows_host(host_of(url))
