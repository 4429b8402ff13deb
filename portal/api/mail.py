"""Mail of an agency's portal over REST: whose name it bears, how it leaves, the log.

The domain that mails are signed for is `/domains`. Passwords and keys are written here
and never returned.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404
from ninja import Body as BodyParam, Query, Router, Status
from pydantic import BaseModel, Field

from portal.api.access import api_requires
from portal.api.errors import Conflict, InvalidRequest
from portal.api.paging import Body, LongPage, LongPagination, page_of
from portal.http import KeyRequest
from portal.mail.delivery import send_again
from portal.mail.transports import sender_address
from portal.mail_form import SenderForm
from portal.models import (
    MailSender,
    Membership,
    OutgoingMail,
    Portal,
)
from portal.permissions import Permission
from portal.scope import agency_scope
from portal.services.mail import save_sender, send_test, sender_of

sender_router = Router(tags=["Mail"])
mails_router = Router(tags=["Mail"])
_FIELDS = SenderForm.Meta.fields
Email = Annotated[
    str,
    Field(
        max_length=254,
        examples=["hello@acme.example"],
        json_schema_extra={"anyOf": [{"format": "email"}, {"const": ""}]},
    ),
]


class SenderChange(Body):
    """What is left out stays, secrets too; "" of a field empties it."""

    from_name: str = Field("", max_length=80)
    from_address: Email = ""
    reply_to: Email = ""
    transport: Literal["platform", "smtp", "resend"] = "platform"
    smtp_host: str = Field("", max_length=253, examples=["smtp.acme.example"])
    smtp_port: int = Field(587, strict=True, ge=1, le=65_535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = Field("", max_length=200)
    smtp_password: str = Field(
        "", max_length=500, json_schema_extra={"writeOnly": True}
    )
    resend_key: str = Field("", max_length=500, json_schema_extra={"writeOnly": True})


class SenderJson(BaseModel):
    """How the portal's mails go out; `shown_as` is what their readers see."""

    from_name: str
    from_address: str
    reply_to: str
    transport: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_user: str
    has_smtp_password: bool
    has_resend_key: bool
    shown_as: str
    last_error: str | None
    failing_since: datetime | None
    last_sent_at: datetime | None


class OneSender(BaseModel):
    mail_sender: SenderJson


class TestBody(Body):
    """Who gets the test: somebody of the agency."""

    to: Annotated[str, Field(max_length=254, json_schema_extra={"format": "email"})]


class MailFilter(LongPage):
    """Which mails are wanted."""

    status: Literal["queued", "sending", "sent", "failed"] | None = None


class MailJson(BaseModel):
    """A mail and what became of it."""

    id: UUID
    organization_id: UUID | None
    template: str
    recipient: str
    language: str
    subject: str
    status: str
    attempts: int
    last_error: str | None
    created_at: datetime
    sent_at: datetime | None


class WholeMailJson(MailJson):
    """`text` is null once it is no longer kept, and of mails that open an account."""

    text: str | None


class OneMail(BaseModel):
    mail: WholeMailJson


class Mails(BaseModel):
    mails: list[MailJson]
    pagination: LongPagination


@sender_router.get("", response=OneSender)
@api_requires(Permission.MAIL_EDIT)
def read_mail_sender(request: KeyRequest) -> dict[str, Any]:
    """Name, address and server of the portal's mails."""
    return {"mail_sender": sender_json(sender_of(request.organization))}


@sender_router.patch("", response=OneSender)
@api_requires(Permission.MAIL_EDIT)
def change_mail_sender(
    request: KeyRequest, change: Annotated[SenderChange, BodyParam(...)]
) -> dict[str, Any]:
    """Change what is given; it holds for the next mail. Send a test afterwards."""
    sender = sender_of(request.organization)
    data = {name: getattr(sender, name) for name in _FIELDS}
    form = SenderForm(data | change.model_dump(exclude_unset=True), instance=sender)
    if not form.is_valid():
        faults = {name: str(errors[0]) for name, errors in form.errors.items()}
        param, message = next(iter(faults.items()))
        raise InvalidRequest(
            message,
            param=param if param in SenderChange.model_fields else None,
            details=[f"{name}: {text}" for name, text in faults.items()],
        )
    save_sender(
        sender=form.instance,
        smtp_password=change.smtp_password,
        resend_key=change.resend_key,
        actor=None,
    )
    return {"mail_sender": sender_json(sender_of(request.organization))}


@sender_router.post("/test", response={202: OneMail})
@api_requires(Permission.MAIL_EDIT)
def send_test_mail(
    request: KeyRequest, wanted: Annotated[TestBody, BodyParam(...)]
) -> Status[dict[str, Any]]:
    """Send somebody of the agency a mail through what is set up now."""
    agency = request.organization
    people = Membership.objects.filter(organization=agency).select_related("user")
    member = people.filter(user__email__iexact=wanted.to).first()
    if member is None:
        raise InvalidRequest("Nobody of the agency has this address.", param="to")
    mail = send_test(agency=agency, to=member.user.email)
    return Status(202, {"mail": whole_mail_json(mail)})


@mails_router.get("", response=Mails)
@api_requires(Permission.MAIL_EDIT)
def list_mails(
    request: KeyRequest, wanted: Annotated[MailFilter, Query()]
) -> dict[str, Any]:
    """Mails of the agency and its clients, newest first; kept for 30 days."""
    with agency_scope(request.organization.pk):
        rows = OutgoingMail.objects.defer("text", "html")
        if wanted.status is not None:
            rows = rows.filter(status=wanted.status)
        page, said = page_of(rows, wanted, rows.count())
    return {"mails": [mail_json(row) for row in page], "pagination": said}


@mails_router.get("/{uuid:mail_id}", response=OneMail)
@api_requires(Permission.MAIL_EDIT)
def read_mail(request: KeyRequest, mail_id: UUID) -> dict[str, Any]:
    """One mail, with its text while that is kept."""
    return {"mail": whole_mail_json(_mail(request, mail_id))}


@mails_router.post("/{uuid:mail_id}/send-again", response={202: OneMail})
@api_requires(Permission.MAIL_EDIT)
def send_mail_again(request: KeyRequest, mail_id: UUID) -> Status[dict[str, Any]]:
    """Try a mail once more that was given up."""
    mail = _mail(request, mail_id)
    with agency_scope(request.organization.pk):
        if not send_again(mail=mail, actor=None):
            raise Conflict("Only a mail that failed, and is kept, can be sent again.")
    return Status(202, {"mail": whole_mail_json(_mail(request, mail_id))})


def sender_json(row: MailSender) -> dict[str, Any]:
    """Return a sender as the API shows it, without its secrets."""
    portal = Portal.objects.filter(agency=row.organization).first()
    shown = sender_address(portal, None if row._state.adding else row)
    return {name: getattr(row, name) for name in _FIELDS} | {
        "has_smtp_password": bool(row.smtp_password),
        "has_resend_key": bool(row.resend_key),
        "shown_as": '"{}" <{}>'.format(*shown),
        "last_error": row.last_error or None,
        "failing_since": row.failing_since,
        "last_sent_at": row.last_sent_at,
    }


def mail_json(row: OutgoingMail) -> dict[str, Any]:
    """Return a mail as lists show it."""
    shown = {name: getattr(row, name) for name in MailJson.model_fields}
    return shown | {"last_error": row.last_error or None}


def whole_mail_json(row: OutgoingMail) -> dict[str, Any]:
    """Return a mail with its text, unless whoever reads it could sign in with it."""
    text = None if row.is_secret else row.text or None
    return mail_json(row) | {"text": text}


def _mail(request: KeyRequest, mail_id: UUID) -> OutgoingMail:
    with agency_scope(request.organization.pk):
        mail = OutgoingMail.objects.filter(pk=mail_id).first()
    if mail is None:
        raise Http404("No such mail.")
    return mail
