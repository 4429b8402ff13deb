"""Sign-in through Google, GitHub or Microsoft, with the agency's own application.

The provider shows whose application it is, so each portal has its own; the operator's,
from the settings, serves portals without. A person the provider vouches for comes in
when they are known at this portal by that address; everybody else reads the same page.
"""

from __future__ import annotations

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import (
    DefaultSocialAccountAdapter,
    _build_apps_from_settings,
)
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.http import Http404, HttpRequest
from django.shortcuts import render

from portal.auth import may_enter
from portal.models import Portal, SignInApp, User
from portal.scope import organization_scope


class PortalSocialAdapter(DefaultSocialAccountAdapter):
    """Knows the applications of the portal being visited, and only its people."""

    def is_open_for_signup(
        self, request: HttpRequest, sociallogin: SocialLogin
    ) -> bool:
        """Nobody becomes known by a provider's word alone."""
        return False

    def list_apps(
        self,
        request: HttpRequest | None,
        provider: str | None = None,
        client_id: str | None = None,
    ) -> list[SocialApp]:
        """Return the applications of this portal: the agency's, else the operator's.

        Without a `provider` it is asked what to offer, which costs no query and tells
        no secret.
        """
        portal = getattr(request, "portal", None)
        apps = [
            app
            for built in _build_apps_from_settings(provider=provider).values()
            for app in built
        ]
        if portal is not None:
            own = _offered(portal) if provider is None else _own(portal, provider)
            taken = {app.provider for app in own}
            apps = own + [app for app in apps if app.provider not in taken]
        return [app for app in apps if client_id in (None, app.client_id)]

    def get_app(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> SocialApp:
        """Return the application used here; a provider nobody set up is no page."""
        try:
            app: SocialApp = super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist:
            raise Http404 from None
        return app

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in who is known here; the rest is told the same, known elsewhere or not."""
        user = sociallogin.user
        portal = getattr(request, "portal", None)
        if (
            sociallogin.is_existing
            and isinstance(user, User)
            and may_enter(user, portal)
        ):
            return
        is_connecting = sociallogin.state.get("process") == AuthProcess.CONNECT
        if is_connecting and request.user.is_authenticated:
            return  # another way to one's own account
        raise ImmediateHttpResponse(render(request, "account/signup_closed.html"))


def _offered(portal: Portal) -> list[SocialApp]:
    return [
        SocialApp(provider=provider, client_id=client_id)
        for provider, client_id in portal.sign_in_apps.items()
    ]


def _own(portal: Portal, provider: str) -> list[SocialApp]:
    if provider not in portal.sign_in_apps:
        return []
    with organization_scope(portal.agency):
        return [
            SocialApp(provider=provider, client_id=row.client_id, secret=row.secret)
            for row in SignInApp.objects.filter(provider=provider)
        ]
