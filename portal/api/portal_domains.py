"""The domains a portal answers at, over REST: claimed, looked at, given up.

What proves a domain is in DNS: `txt_host` has to hold `txt_value`, and the domain has to
point at `target`. The domain that mails are sent from is `/domains`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from ninja import Body as BodyParam, Router, Status
from pydantic import BaseModel, Field

from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.domains import claims
from portal.domains.checking import challenge_host, challenge_value
from portal.hosts import slug_host
from portal.http import KeyRequest
from portal.models import Portal, PortalDomain
from portal.permissions import Permission

router = Router(tags=["Portal"])


class ClaimBody(Body):
    domain: str = Field(
        min_length=1,
        max_length=253,
        examples=["voice.acme.example"],
        json_schema_extra={"format": "hostname"},
    )


class PortalDomainJson(BaseModel):
    """A domain of the portal; `problem` is what stands between it and `live`."""

    id: UUID
    domain: str
    status: str
    problem: str | None
    txt_host: str
    txt_value: str
    target: str
    certificate_ends_at: datetime | None
    checked_at: datetime | None
    verified_at: datetime | None
    created_at: datetime


class OnePortalDomain(BaseModel):
    portal_domain: PortalDomainJson


class PortalDomains(BaseModel):
    portal_domains: list[PortalDomainJson]


@router.get("/domains", response=PortalDomains)
@api_requires(Permission.DOMAINS_EDIT)
def list_portal_domains(request: KeyRequest) -> dict[str, Any]:
    """The portal's own domains, as they were last seen."""
    rows = PortalDomain.objects.filter(portal=_portal(request)).exclude(
        status=PortalDomain.Status.RELEASED
    )
    return {"portal_domains": [portal_domain_json(row) for row in rows]}


@router.post("/domains", response={201: OnePortalDomain})
@api_requires(Permission.DOMAINS_EDIT)
def claim_portal_domain(
    request: KeyRequest, wanted: Annotated[ClaimBody, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Begin a claim; it keeps nobody out before it is proven."""
    try:
        row = claims.claim_domain(
            portal=_portal(request), text=wanted.domain, actor=None
        )
    except ValidationError as error:
        if error.code == "too_many_domains":
            raise Conflict(error.messages[0], param="domain") from error
        raise InvalidRequest(error.messages[0], param="domain") from error
    return Status(201, {"portal_domain": portal_domain_json(row)})


@router.post("/domains/{uuid:domain_id}/check", response=OnePortalDomain)
@api_requires(Permission.DOMAINS_EDIT)
def check_portal_domain(request: KeyRequest, domain_id: UUID) -> dict[str, Any]:
    """Look now whether it is proven, points here and answers."""
    row = claims.check_domain(domain=_domain(request, domain_id))
    return {"portal_domain": portal_domain_json(row)}


@router.delete("/domains/{uuid:domain_id}", response=Deleted)
@api_requires(Permission.DOMAINS_EDIT)
def release_portal_domain(request: KeyRequest, domain_id: UUID) -> dict[str, bool]:
    """Give a domain up; the portal stops answering there now."""
    claims.release_domain(domain=_domain(request, domain_id), actor=None)
    return {"success": True}


def portal_domain_json(row: PortalDomain) -> dict[str, Any]:
    """Return a domain as the API shows it."""
    problem = claims.PROBLEMS.get(row.problem)
    return {
        "id": row.pk,
        "domain": row.name,
        "status": row.status,
        "problem": str(problem) if problem else None,
        "txt_host": challenge_host(row.name),
        "txt_value": challenge_value(row.token),
        "target": slug_host(row.portal),
        "certificate_ends_at": row.certificate_ends_at,
        "checked_at": row.checked_at,
        "verified_at": row.verified_at,
        "created_at": row.created_at,
    }


def _portal(request: KeyRequest) -> Portal:
    agency = request.organization
    portal = Portal.objects.select_related("agency").filter(agency=agency).first()
    if portal is None:
        raise Http404("There is no portal.")
    return portal


def _domain(request: KeyRequest, domain_id: UUID) -> PortalDomain:
    row = (
        PortalDomain.objects.select_related("portal__agency")
        .exclude(status=PortalDomain.Status.RELEASED)
        .filter(pk=domain_id, portal=_portal(request))
        .first()
    )
    if row is None:
        raise Http404("No such domain.")
    return row
