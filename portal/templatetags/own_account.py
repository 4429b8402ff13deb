"""Tags of the pages about one's own account: their tabs, and the ways to sign in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

register = template.Library()


@dataclass(frozen=True)
class SignInWay:
    """A provider this portal offers, and the person's account there, if connected."""

    id: str
    name: str
    url: str
    account_id: int | None = None
    account_name: str = ""


@register.simple_tag(takes_context=True)
def account_tabs(context: Context) -> list[dict[str, Any]]:
    """Return the pages about the own account as tabs."""
    path = context["request"].path
    rows = [
        (_("Name"), "own_profile"),
        (_("Email address"), "account_email"),
        (_("Password"), "account_change_password"),
        (_("Second step"), "mfa_index"),
        (_("Devices"), "usersessions_list"),
    ]
    if get_adapter().list_providers(context["request"]):
        rows.append((_("Ways to sign in"), "socialaccount_connections"))
    return [
        {"label": label, "url": url, "is_current": path.startswith(url)}
        for label, name in rows
        for url in [reverse(name)]
    ]


@register.simple_tag(takes_context=True)
def sign_in_ways(context: Context, process: str = "login") -> list[SignInWay]:
    """Return the providers of this portal, each with the address its button posts to.

    With `process="connect"`, each also says which account of the person it knows.
    """
    request = context["request"]
    accounts: dict[str, SocialAccount] = {}
    if process == "connect":
        accounts = {
            account.provider: account
            for account in SocialAccount.objects.filter(user=request.user)
        }
    query = {"process": process}
    if process == "login" and (there := request.GET.get("next")):
        query["next"] = there
    ways = []
    for provider in get_adapter().list_providers(request):
        account = accounts.get(provider.id)
        ways.append(
            SignInWay(
                id=provider.id,
                name=provider.name,
                url=f"{reverse(f'{provider.id}_login')}?{urlencode(query)}",
                account_id=account.pk if account else None,
                account_name=_name_of(account) if account else "",
            )
        )
    return sorted(ways, key=lambda way: way.name)


def _name_of(account: SocialAccount) -> str:
    said: dict[str, Any] = account.extra_data or {}
    for key in ("email", "mail", "userPrincipalName", "login", "name"):
        if said.get(key):
            return str(said[key])
    return str(account.uid)


# The first that is named decides: Edge and Opera call themselves Chrome as well.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """Say a browser's own long name as people do: "Firefox on Windows"."""
    browser = next((name for part, name in _BROWSERS if part in user_agent), "")
    system = next((name for part, name in _SYSTEMS if part in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")
