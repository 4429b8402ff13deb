"""Asking again who it is, before secrets and money are touched.

A browser that was left open is not enough to make a key or to move money: `@sudo` lets
a change through for a while after the person proved who they are, signing in included.
Later it answers with a page that asks for the password and carries what was sent along
in the browser, so that nothing is typed twice and nothing is kept on the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import urlsplit

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.forms import ReauthenticateForm
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.core import ratelimit
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseClientRedirect

from portal.http import MemberRequest, page_before

FIELD: Final = "sudo"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
P = ParamSpec("P")


def is_fresh(request: Any) -> bool:
    """Whether the person proved who they are a short while ago, whichever way."""
    records = get_authentication_records(request, request.user)
    if not records:
        return False
    age_s = time.time() - float(records[-1].get("at", 0))
    limit_s: int = app_settings.REAUTHENTICATION_TIMEOUT
    return 0 <= age_s < limit_s


def sudo(
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Let a change through only from somebody who proved lately who they are.

    Stands below `@requires`: who may not do it at all is never asked. Reading is free.
    """

    @wraps(view)
    def guarded(
        request: MemberRequest, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        if request.method in _READING or is_fresh(request):
            return view(request, *args, **kwargs)
        asked = _ask(request)
        return view(request, *args, **kwargs) if asked is None else asked

    return guarded


def _ask(request: MemberRequest) -> HttpResponse | None:
    """Return the question, or nothing when the answer came along and is right."""
    htmx: Any = getattr(request, "htmx", None)
    if htmx:
        there = urlsplit(str(htmx.current_url or "/")).path
        return HttpResponseClientRedirect(
            f"/accounts/reauthenticate/?{urlencode({'next': there})}"
        )
    form = ReauthenticateForm(user=request.user)
    if FIELD in request.POST:
        too_often = ratelimit.consume_or_429(
            request, action="reauthenticate", user=request.user
        )
        if too_often is not None:
            return too_often  # type: ignore[no-any-return]  # allauth is untyped
        form = ReauthenticateForm({"password": request.POST[FIELD]}, user=request.user)
        if form.is_valid():
            reauthenticate_by_password(request)
            return None
    return _question(request, form)


@never_cache
def _question(request: MemberRequest, form: ReauthenticateForm) -> HttpResponse:
    back = page_before(request)
    others = [
        {**way, "url": f"{way['url']}?{urlencode({'next': back})}"}
        for way in get_adapter(request).get_reauthentication_methods(request.user)
        if way["id"] != "reauthenticate"
    ]
    return render(
        request,
        "account/sudo.html",
        {
            "has_password": request.user.has_usable_password(),
            "errors": form.errors.get("password", []),
            "field_name": FIELD,
            "sent": list(_sent(request)),
            "others": others,
            "back": back,
        },
        status=403,
    )


def _sent(request: MemberRequest) -> Iterator[tuple[str, str]]:
    """Yield what the form held, to go along once more."""
    for name, values in request.POST.lists():
        if name not in (FIELD, "csrfmiddlewaretoken"):
            for value in values:
                yield name, str(value)
