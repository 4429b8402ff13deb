"""Who is who: organizations, portals, people, keys, and the record of changes."""

from portal.models.api_key import APIKey
from portal.models.audit import AuditRecord
from portal.models.idempotency import IdempotentAnswer
from portal.models.mail import MailSender, OutgoingMail, SendingDomain
from portal.models.organization import Organization
from portal.models.owned import ForeignRow, Owned, ScopedManager
from portal.models.people import Membership, Role, User
from portal.models.portal import Portal
from portal.models.privacy import PrivacySettings
from portal.models.rate import RateCount
from portal.models.webhook import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "APIKey",
    "AuditRecord",
    "ForeignRow",
    "IdempotentAnswer",
    "MailSender",
    "Membership",
    "Organization",
    "OutgoingMail",
    "Owned",
    "Portal",
    "PrivacySettings",
    "RateCount",
    "Role",
    "ScopedManager",
    "SendingDomain",
    "User",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
