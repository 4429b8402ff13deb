"""Who is who: organizations, portals, people, keys, and the record of changes."""

from portal.models.api_key import APIKey
from portal.models.attested import Attested
from portal.models.audit import AuditRecord
from portal.models.client import ClientNote, SignInApp
from portal.models.domain import PortalDomain
from portal.models.idempotency import IdempotentAnswer
from portal.models.joining import Invitation, SignUpRequest
from portal.models.mail import MailSender, OutgoingMail, SendingDomain
from portal.models.organization import Organization
from portal.models.owned import ForeignRow, Owned, ScopedManager
from portal.models.people import Membership, Role, User
from portal.models.picture import BrandPicture
from portal.models.portal import Portal
from portal.models.privacy import PrivacySettings
from portal.models.rate import RateCount
from portal.models.visit import Visit
from portal.models.webhook import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "APIKey",
    "Attested",
    "AuditRecord",
    "BrandPicture",
    "ClientNote",
    "ForeignRow",
    "IdempotentAnswer",
    "Invitation",
    "MailSender",
    "Membership",
    "Organization",
    "OutgoingMail",
    "Owned",
    "Portal",
    "PortalDomain",
    "PrivacySettings",
    "RateCount",
    "Role",
    "ScopedManager",
    "SendingDomain",
    "SignInApp",
    "SignUpRequest",
    "User",
    "Visit",
    "WebhookAttempt",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
