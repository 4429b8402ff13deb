"""Taking up an invitation."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from portal.auth import SESSION_PORTAL, session_mark
from portal.http import PortalRequest
from portal.limits import PlanLimit
from portal.middleware import SESSION_ORGANIZATION
from portal.models import User
from portal.permissions import public
from portal.services import invitations


class NewPersonForm(forms.Form):
    """Who somebody new is."""

    name = forms.CharField(label=_("Your name"), max_length=120)
    password = forms.CharField(
        label=_("Password"),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=_("At least ten characters."),
    )

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or {}
        if password := cleaned.get("password"):
            try:
                validate_password(
                    str(password), User(name=str(cleaned.get("name", "")))
                )
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


@never_cache
@require_http_methods(["GET", "POST"])
@public
def join(request: PortalRequest, token: str) -> HttpResponse:
    """Take the place an invitation offers; open to all, as the link is the proof."""
    if request.portal is None:
        raise Http404
    try:
        invitation = invitations.find_invitation(token, request.portal)
    except invitations.InvitationEnded:
        return render(request, "account/invitation_ended.html", status=404)
    is_known = invitations.is_known(invitation)
    form = NewPersonForm(
        request.POST if request.method == "POST" and not is_known else None
    )
    if request.method == "POST" and (is_known or form.is_valid()):
        return _accept(request, token, form, is_known)
    response = render(
        request,
        "account/join.html",
        {"invitation": invitation, "is_known": is_known, "form": form},
        status=422 if form.errors else 200,
    )
    # The address of this page is a secret: no other site may learn it from a link. Not
    # "no-referrer": browsers then say `Origin: null` with the form, which is refused.
    response["Referrer-Policy"] = "same-origin"
    return response


def _accept(
    request: PortalRequest, token: str, form: NewPersonForm, is_known: bool
) -> HttpResponse:
    assert request.portal is not None
    values = {} if is_known else form.cleaned_data
    try:
        membership = invitations.accept(token=token, portal=request.portal, **values)
    except invitations.InvitationEnded:
        return render(request, "account/invitation_ended.html", status=404)
    except PlanLimit as error:
        messages.error(request, str(error))
        return redirect("account_login")
    if is_known:
        # The mailbox is proven, the person is not: they sign in as ever.
        messages.success(
            request,
            gettext("You are in. Sign in with the password you have already."),
        )
        return redirect("account_login")
    request.session.flush()
    login(request, membership.user, backend="portal.auth.PortalBackend")
    request.session[SESSION_PORTAL] = session_mark(request.portal)
    request.session[SESSION_ORGANIZATION] = str(membership.organization_id)
    return redirect("dashboard")
