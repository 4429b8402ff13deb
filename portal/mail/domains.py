"""The domain an organization's mails are sent from: its records, and whether they stand.

With a Resend key of the agency's own, Resend keeps the domain and says what it needs.
Otherwise we sign ourselves: the key is made here and its public half goes into DNS.
Each record is `{record, name, type, ttl, status, value, priority}`, as Resend has it.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

import requests
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.domains.checking import Unknown, mail_hosts, texts
from portal.domains.names import domain_name
from portal.mail.dkim import new_key
from portal.models import MailSender, Organization, SendingDomain, User
from portal.scope import all_organizations
from portal.services import audit

_TIMEOUT_S: Final = 15
Status = SendingDomain.Status
_RESEND_STATUS: Final = {
    "not_started": Status.NOT_STARTED,
    "pending": Status.PENDING,
    "verified": Status.VERIFIED,
    "failed": Status.FAILED,
    "temporary_failure": Status.PENDING,
    "partially_verified": Status.PENDING,
    "partially_failed": Status.FAILED,
}


class MailServiceError(Exception):
    """Resend did not do it; the text is for people."""


def sending_domain_of(organization: Organization) -> SendingDomain | None:
    """Return the organization's sending domain, if it has one."""
    return SendingDomain.objects.filter(organization=organization).first()


@transaction.atomic
def add_sending_domain(
    *, organization: Organization, name: str, actor: User | None
) -> SendingDomain:
    """Begin with a domain; raise `ValidationError` for a bad name or a second one."""
    wanted = domain_name(name)
    if sending_domain_of(organization) is not None:
        raise ValidationError(
            _("There is a sending domain already. Remove it first."), code="has_domain"
        )
    row = SendingDomain(organization=organization, domain_name=wanted)
    key = _resend_key(organization)
    if key:
        _take_over(row, _resend(key, "post", "domains", {"name": wanted}))
    else:
        row.dkim_selector = f"p{secrets.token_hex(4)}"
        row.dkim_key, public = new_key()
        row.records = _own_records(wanted, row.dkim_selector, public)
        row.status = Status.NOT_STARTED
    row.save()
    audit.record(
        organization=organization,
        actor=actor,
        action="sending_domain.added",
        target=row,
        changes={"domain": wanted},
    )
    return row


def verify_sending_domain(*, domain: SendingDomain) -> SendingDomain:
    """Look whether the records stand, now; one that was verified can fail again."""
    key = _resend_key(domain.organization)
    if domain.resend_domain_id and key:
        _resend(key, "post", f"domains/{domain.resend_domain_id}/verify")
        return refresh_sending_domain(domain=domain)
    records = [{**record, "status": _state_of(record)} for record in domain.records]
    states = {record["status"] for record in records}
    if states == {"verified"}:
        domain.status = Status.VERIFIED
    elif "failed" in states and domain.status == Status.VERIFIED:
        domain.status = Status.FAILED
    elif domain.status != Status.VERIFIED:
        domain.status = Status.PENDING
    domain.records = records
    _checked(domain)
    return domain


def refresh_sending_domain(*, domain: SendingDomain) -> SendingDomain:
    """Ask for the state of a domain without starting a verification."""
    key = _resend_key(domain.organization)
    if not (domain.resend_domain_id and key):
        return verify_sending_domain(domain=domain)
    _take_over(domain, _resend(key, "get", f"domains/{domain.resend_domain_id}"))
    _checked(domain)
    return domain


@transaction.atomic
def sync_sending_domain(
    *, organization: Organization, resend_domain_id: str, actor: User | None
) -> SendingDomain:
    """Take over a domain that exists at the agency's Resend account."""
    key = _resend_key(organization)
    if not key:
        raise ValidationError(_("Connect your Resend account first."), code="no_resend")
    if not resend_domain_id.replace("-", "").isalnum():
        raise ValidationError(_("Enter the ID of the domain at Resend."))
    data = _resend(key, "get", f"domains/{resend_domain_id}")
    row = sending_domain_of(organization) or SendingDomain(organization=organization)
    _take_over(row, data)
    row.domain_name = domain_name(str(data.get("name", "")))
    row.save()
    audit.record(
        organization=organization,
        actor=actor,
        action="sending_domain.synced",
        target=row,
        changes={"domain": row.domain_name},
    )
    return row


def resend_domains(*, organization: Organization) -> list[dict[str, Any]]:
    """Return the domains of the agency's Resend account, as it tells of them."""
    key = _resend_key(organization)
    if not key:
        return []
    found = _resend(key, "get", "domains").get("data")
    return [one for one in found if isinstance(one, dict)] if found else []


@transaction.atomic
def remove_sending_domain(*, domain: SendingDomain, actor: User | None) -> None:
    """Send from it no more; what stands at Resend stays there."""
    audit.record(
        organization=domain.organization,
        actor=actor,
        action="sending_domain.removed",
        target=domain,
        changes={"domain": domain.domain_name},
    )
    domain.delete()


def _own_records(name: str, selector: str, public: str) -> list[dict[str, Any]]:
    spf = (
        settings.MAIL_SPF
        or f"v=spf1 a:{settings.EMAIL_HOST or settings.BASE_DOMAIN} ~all"
    )
    wanted = [
        ("SPF", f"send.{name}", "TXT", spf, None),
        (
            "SPF",
            f"send.{name}",
            "MX",
            settings.MAIL_RETURN_PATH_HOST or settings.BASE_DOMAIN,
            10,
        ),
        ("DKIM", f"{selector}._domainkey.{name}", "TXT", public, None),
    ]
    return [
        {
            "record": record,
            "name": host,
            "type": kind,
            "ttl": "Auto",
            "status": "not_started",
            "value": value,
            "priority": priority,
        }
        for record, host, kind, value, priority in wanted
    ]


def _state_of(record: dict[str, Any]) -> str:
    """Return whether a record stands; what cannot be asked now keeps its state."""
    try:
        if record["type"] == "MX":
            return (
                "verified"
                if record["value"] in mail_hosts(record["name"])
                else "failed"
            )
        found = {"".join(text.split()) for text in texts(record["name"])}
    except Unknown:
        return str(record["status"])
    return "verified" if "".join(record["value"].split()) in found else "failed"


def _checked(domain: SendingDomain) -> None:
    now = timezone.now()
    domain.checked_at = now
    if domain.status == Status.VERIFIED:
        domain.verified_at = domain.verified_at or now
    else:
        domain.verified_at = None
    domain.save()


# --- Resend ---------------------------------------------------------------------------
def _resend_key(organization: Organization) -> str:
    with all_organizations("a client's mails go out through its agency's account"):
        sender = MailSender.objects.filter(
            organization=organization.agency_id, transport=MailSender.Transport.RESEND
        ).first()
        return sender.resend_key if sender else ""


def _take_over(row: SendingDomain, data: dict[str, Any]) -> None:
    row.resend_domain_id = str(data.get("id", ""))
    row.status = _RESEND_STATUS.get(str(data.get("status")), Status.PENDING)
    row.region = str(data.get("region") or row.region)
    row.records = [
        {
            name: record.get(name)
            for name in ("record", "name", "type", "ttl", "status", "value", "priority")
        }
        for record in data.get("records") or []
    ]


def _resend(
    key: str, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    try:
        answer = requests.request(
            method,
            settings.RESEND_API_URL.rstrip("/") + "/" + path,
            json=body,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT_S,
        )
        data = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise MailServiceError(
            "Resend could not be reached. Try again later."
        ) from error
    if answer.status_code >= 400 or not isinstance(data, dict):
        said = data.get("message") if isinstance(data, dict) else ""
        raise MailServiceError(f"Resend says: {said or answer.reason}")
    return data
