"""Sign-in per portal, on allauth: one identity, many portals.

A person who has no membership on the portal they are at cannot be told from an
unknown address: same answers, same mails (none), same time.
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import ResetPasswordForm
from allauth.core import context
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import HttpRequest

from portal.brand import Brand
from portal.models import Membership, Portal, User

SESSION_PORTAL = "portal"
OPERATOR = "operator"


def session_mark(portal: Portal | None) -> str:
    """Return what a session started at this portal carries."""
    return str(portal.pk) if portal else OPERATOR


def may_enter(user: User, portal: Portal | None) -> bool:
    """Whether this person exists on this portal; on the operator's host, staff do."""
    if portal is None:
        return user.is_staff
    agency = portal.agency_id
    return (
        Membership.objects.filter(user=user)
        .filter(Q(organization=agency) | Q(organization__parent=agency))
        .exists()
    )


class PortalBackend(AuthenticationBackend):
    """Know only the people of the portal being visited."""

    def _authenticate(
        self, request: HttpRequest | None, **credentials: Any
    ) -> AbstractBaseUser | None:
        user = super()._authenticate(request, **credentials)
        if isinstance(user, User) and may_enter(user, getattr(request, "portal", None)):
            return user
        return None


class PortalResetPasswordForm(ResetPasswordForm):
    """Send no reset mail to someone who is unknown on this portal."""

    users: list[User]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        portal = getattr(context.request, "portal", None)
        self.users = [user for user in self.users if may_enter(user, portal)]
        return email


class PortalAccountAdapter(DefaultAccountAdapter):
    """Give every account mail and page the portal's name, sender and address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Clients are made by their agency; nobody signs up alone."""
        return False

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        request.session[SESSION_PORTAL] = session_mark(getattr(request, "portal", None))

    def format_email_subject(self, subject: str) -> str:
        return subject

    def get_from_email(self) -> str:
        brand = Brand.of(getattr(self.request, "portal", None))
        return f'"{brand.name}" <{super().get_from_email()}>'

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:
        portal = getattr(self.request, "portal", None)
        super().send_mail(
            template_prefix,
            email,
            {"portal": portal, "brand": Brand.of(portal), **context},
        )
