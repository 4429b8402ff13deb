"""Sign-in per portal, on allauth: one identity, many portals.

A person who has no membership on the portal they are at cannot be told from an
unknown address: same answers, same mails (none), same time.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.forms import RequestLoginCodeForm, ResetPasswordForm
from allauth.core import context
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.mail import send_mail
from portal.mail.account import account_mail
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


class PortalRequestCodeForm(RequestLoginCodeForm):
    """Send no sign-in code to someone who is unknown on this portal."""

    def clean_email(self) -> str:
        email: str = super().clean_email()
        user = getattr(self, "_user", None)
        portal = getattr(context.request, "portal", None)
        if isinstance(user, User) and not may_enter(user, portal):
            self._user = None
        return email


class PortalAccountAdapter(DefaultAccountAdapter):
    """Give every account mail and page the portal's name, sender and address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Clients are made by their agency; nobody signs up alone."""
        return False

    def pre_login(
        self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> HttpResponse | None:
        """Stop whoever is unknown here, whichever way they proved who they are."""
        portal = getattr(request, "portal", None)
        if isinstance(user, User) and not may_enter(user, portal):
            messages.error(request, _("That did not work. Try another way to sign in."))
            return redirect("account_login")
        stopped: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return stopped

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        request.session[SESSION_PORTAL] = session_mark(getattr(request, "portal", None))

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:
        """Queue the mail as the portal's; a worker sends it."""
        portal = getattr(self.request, "portal", None)
        template, values = account_mail(template_prefix, context)
        send_mail(
            organization=portal.agency if portal else None,
            template=template,
            to=email,
            context=values,
            idempotency_key=f"account:{uuid4()}",
        )
