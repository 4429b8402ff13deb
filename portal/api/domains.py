"""The domain an agency's mails are sent from, over REST, under `/domains`.

There is one for each organization, so that no address names it. Both generations of the
reference's names are taken and returned: `domain` and `domain_name`, `domain_id` and
`resendDomainId`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from django.http import Http404
from ninja import Body as BodyParam, Router, Status
from pydantic import BaseModel, Field, JsonValue, model_validator

from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, Deleted
from portal.api.shapes import either
from portal.http import KeyRequest
from portal.mail import domains
from portal.models import SendingDomain
from portal.permissions import Permission

router = Router(tags=["Domains"])


class NewDomain(Body):
    """The name of the domain, under either of its two names."""

    domain: str | None = Field(
        None, max_length=253, examples=["mail.acme.example"], min_length=1
    )
    domain_name: str | None = Field(
        None, max_length=253, examples=["mail.acme.example"], min_length=1
    )

    model_config = either(domain="string", domain_name="string")

    @model_validator(mode="after")
    def _named(self) -> NewDomain:
        if not self.wanted:
            raise ValueError("Missing required field: domain")
        return self

    @property
    def wanted(self) -> str:
        return self.domain or self.domain_name or ""


class DomainOfResend(Body):
    """The id of a domain of the agency's Resend account, under either of its names."""

    model_config = either(domain_id="string", resendDomainId="string")

    domain_id: str | None = Field(None, max_length=64, min_length=1)
    resend_domain_id: str | None = Field(
        None, max_length=64, min_length=1, alias="resendDomainId"
    )

    @model_validator(mode="after")
    def _named(self) -> DomainOfResend:
        if not self.wanted:
            raise ValueError("Missing required field: domain_id")
        return self

    @property
    def wanted(self) -> str:
        return self.domain_id or self.resend_domain_id or ""


class RecordJson(BaseModel):
    """One entry that has to stand in DNS, and whether it does."""

    record: str | None
    name: str | None
    type: str | None
    ttl: str | int | None
    status: str | None
    value: str | None
    priority: int | None


class DomainJson(BaseModel):
    """A sending domain; `records` go into its DNS."""

    id: UUID
    org_id: UUID
    domain: str
    domain_name: str
    verified: bool
    status: Literal["not_started", "pending", "verified", "failed"]
    region: str
    resend_domain_id: str | None
    records: list[RecordJson]
    created_at: datetime
    verified_at: datetime | None


class SyncedDomain(DomainJson):
    success: bool


def domain_json(row: SendingDomain) -> dict[str, Any]:
    return {
        "id": row.pk,
        "org_id": row.organization_id,
        "domain": row.domain_name,
        "domain_name": row.domain_name,
        "verified": row.status == SendingDomain.Status.VERIFIED,
        "status": row.status,
        "region": row.region,
        "resend_domain_id": row.resend_domain_id or None,
        "records": row.records,
        "created_at": row.created_at,
        "verified_at": row.verified_at,
    }


@router.get("", response=DomainJson)
@api_requires(Permission.MAIL_EDIT)
def read_domain(request: KeyRequest) -> dict[str, Any]:
    """The domain that mails are sent from, as it was last seen."""
    return domain_json(_domain(request))


@router.post("", response={201: DomainJson})
@api_requires(Permission.MAIL_EDIT)
def add_domain(
    request: KeyRequest, wanted: Annotated[NewDomain, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Begin to send from a domain; the answer says what to enter in its DNS."""
    with _refusals("domain"):
        row = domains.add_sending_domain(
            organization=request.organization, name=wanted.wanted, actor=None
        )
    return Status(201, domain_json(row))


@router.delete("", response=Deleted)
@api_requires(Permission.MAIL_EDIT)
def remove_domain(request: KeyRequest) -> dict[str, bool]:
    """Send from it no more."""
    domains.remove_sending_domain(domain=_domain(request), actor=None)
    return {"success": True}


@router.get("/sync", response=list[dict[str, JsonValue]])
@api_requires(Permission.MAIL_EDIT)
def list_resend_domains(request: KeyRequest) -> list[dict[str, Any]]:
    """The domains of the agency's Resend account; none without an account."""
    with _refusals():
        return domains.resend_domains(organization=request.organization)


@router.post("/sync", response=SyncedDomain)
@api_requires(Permission.MAIL_EDIT)
def sync_domain(
    request: KeyRequest, wanted: Annotated[DomainOfResend, BodyParam(...)]
) -> dict[str, Any]:
    """Send from a domain of the agency's Resend account."""
    with _refusals("domain_id"):
        row = domains.sync_sending_domain(
            organization=request.organization,
            resend_domain_id=wanted.wanted,
            actor=None,
        )
    return {"success": True, **domain_json(row)}


@router.post("/verify", response=DomainJson)
@api_requires(Permission.MAIL_EDIT)
def verify_domain(request: KeyRequest) -> dict[str, Any]:
    """Look now whether the records stand."""
    with _refusals():
        return domain_json(domains.verify_sending_domain(domain=_domain(request)))


@router.post("/refresh", response=DomainJson)
@api_requires(Permission.MAIL_EDIT)
def refresh_domain(request: KeyRequest) -> dict[str, Any]:
    """Read the state again, without starting a verification at Resend."""
    with _refusals():
        return domain_json(domains.refresh_sending_domain(domain=_domain(request)))


@contextmanager
def _refusals(param: str | None = None) -> Iterator[None]:
    """Say what the domain's own code refuses in the API's words."""
    try:
        yield
    except domains.MailServiceError as error:
        raise InvalidRequest(str(error), param=param, code="mail_provider") from error
    except ValidationError as error:
        if error.code == "no_resend":
            raise Conflict(
                "Connect the agency's Resend account first: PATCH /mail-sender with "
                "transport, resend_key and from_address."
            ) from error
        if error.code == "has_domain":
            raise Conflict(error.messages[0], param=param) from error
        raise InvalidRequest(error.messages[0], param=param) from error


def _domain(request: KeyRequest) -> SendingDomain:
    row = domains.sending_domain_of(request.organization)
    if row is None:
        raise Http404("There is no sending domain. Add one with POST /domains.")
    return row
