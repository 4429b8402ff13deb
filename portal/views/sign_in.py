"""How people sign in: second steps, and the agency's own applications at providers."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from portal.hosts import portal_url
from portal.http import MemberRequest
from portal.models import SignInApp, User
from portal.permissions import Permission, requires
from portal.services import sign_in
from portal.sign_in_form import SecondFactorForm, SignInAppForm
from portal.sudo import sudo

Provider = SignInApp.Provider
# Where an agency makes its application.
_CONSOLES = {
    Provider.GOOGLE: "https://console.cloud.google.com/apis/credentials",
    Provider.GITHUB: "https://github.com/settings/developers",
    Provider.MICROSOFT: "https://entra.microsoft.com/",
}


@dataclass(frozen=True)
class ProviderCard:
    """One provider on the page: where to set it up, and what is set up."""

    name: str
    label: str
    console_url: str
    callback_url: str
    form: SignInAppForm
    is_own: bool


@require_http_methods(["GET", "POST"])
@requires(Permission.ORGANIZATION_EDIT)
@sudo
def sign_in_edit(request: MemberRequest) -> HttpResponse:
    """Show how people sign in; a form decides on second steps."""
    if request.method == "POST":
        form = SecondFactorForm(request.POST)
        if form.is_valid():
            assert isinstance(request.user, User)
            sign_in.require_second_factor(
                organization=request.organization,
                is_required=form.cleaned_data["is_required"],
                actor=request.user,
            )
            messages.success(request, _("Saved. It holds from the next page on."))
            return redirect("sign_in_edit")
    return _page(request)


@require_POST
@requires(Permission.BRAND_EDIT)
@sudo
def sign_in_app_save(request: MemberRequest, provider: str) -> HttpResponse:
    """Store the agency's own application at a provider."""
    _known(provider)
    form = SignInAppForm(request.POST, hint=_hints().get(provider, ""))
    if not form.is_valid():
        return _page(request, wrong=(provider, form))
    assert isinstance(request.user, User)
    sign_in.save_sign_in_app(
        agency=request.organization,
        provider=provider,
        actor=request.user,
        **form.cleaned_data,
    )
    messages.success(request, _("Saved. The button is on your sign-in page."))
    return redirect("sign_in_edit")


@require_POST
@requires(Permission.BRAND_EDIT)
@sudo
def sign_in_app_remove(request: MemberRequest, provider: str) -> HttpResponse:
    """Take a provider away again."""
    _known(provider)
    assert isinstance(request.user, User)
    sign_in.remove_sign_in_app(
        agency=request.organization, provider=provider, actor=request.user
    )
    messages.success(request, _("Removed. People sign in another way from now on."))
    return redirect("sign_in_edit")


def _known(provider: str) -> None:
    if provider not in Provider.values:
        raise Http404


def _hints() -> dict[str, str]:
    return dict(SignInApp.objects.values_list("provider", "hint"))


def _page(
    request: MemberRequest, wrong: tuple[str, SignInAppForm] | None = None
) -> HttpResponse:
    having, people = sign_in.count_second_factors(request.organization)
    cards = []
    if Permission.BRAND_EDIT in request.permissions:
        cards = _cards(request, dict([wrong] if wrong else []))
    return render(
        request,
        "portal/sign_in_form.html",
        {
            "form": SecondFactorForm(
                initial={"is_required": request.organization.requires_second_factor}
            ),
            "having": having,
            "people": people,
            "cards": cards,
        },
        status=422 if wrong else 200,
    )


def _cards(
    request: MemberRequest, wrong: dict[str, SignInAppForm]
) -> list[ProviderCard]:
    assert request.portal is not None
    rows = {row.provider: row for row in SignInApp.objects.all()}
    cards = []
    for provider in Provider:
        row = rows.get(provider)
        form = wrong.get(provider) or SignInAppForm(
            initial={"client_id": row.client_id if row else ""},
            hint=row.hint if row else "",
            auto_id=f"id_{provider}_%s",
        )
        form.auto_id = f"id_{provider}_%s"
        path = reverse(f"{provider}_callback")
        cards.append(
            ProviderCard(
                name=provider,
                label=str(provider.label),
                console_url=_CONSOLES[provider],
                callback_url=portal_url(request.portal, path),
                form=form,
                is_own=row is not None,
            )
        )
    return cards
