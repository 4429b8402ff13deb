"""Pages about the keys an organization brings to vendors."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from assistants import keys
from assistants.key_checks import KeyRefused, KeyUnchecked
from assistants.key_forms import ProviderKeyForm
from assistants.key_kinds import KINDS, KeyKind
from assistants.models import ProviderKey
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.sudo import sudo


@require_GET
@requires(Permission.PROVIDER_KEYS_EDIT)
def provider_key_list(request: MemberRequest) -> HttpResponse:
    """Every vendor, and whose key calls use there."""
    views = keys.overview(request.organization)
    return render(request, "assistants/provider_key_list.html", {"views": views})


@require_http_methods(["GET", "POST"])
@requires(Permission.PROVIDER_KEYS_EDIT)
@sudo
def provider_key_edit(request: MemberRequest, provider: str) -> HttpResponse:
    """Add or replace a key; it is checked with the vendor before it is kept."""
    kind = _kind(provider)
    own = ProviderKey.objects.filter(provider=provider).first()
    form = ProviderKeyForm(
        request.POST if request.method == "POST" else None,
        kind=kind,
        own=own,
        may_share=request.organization.is_agency,
    )
    if request.method == "POST" and form.is_valid() and _save(request, kind, form):
        return redirect("provider_key_list")
    return render(
        request,
        "assistants/provider_key_form.html",
        {"form": form, "kind": kind, "own": own},
        status=422 if form.errors else 200,
    )


def _save(request: MemberRequest, kind: KeyKind, form: ProviderKeyForm) -> bool:
    try:
        row = keys.save_key(
            organization=request.organization,
            provider=kind.provider,
            api_key=form.cleaned_data["api_key"],
            config=form.config,
            is_shared=form.cleaned_data.get("is_shared", False),
            actor=request.user,
        )
    except KeyRefused as refusal:
        form.refuse(refusal.param, str(refusal))
        return False
    except KeyUnchecked as away:
        form.refuse("api_key", str(away))
        return False
    said = _("%(vendor)s takes this key. Calls that start from now on use it.")
    messages.success(request, said % {"vendor": kind.label})
    if row.note:
        messages.warning(request, row.note)
    return True


@require_POST
@requires(Permission.PROVIDER_KEYS_EDIT)
def provider_key_share(request: MemberRequest, provider: str) -> HttpResponse:
    """Let the agency's clients use its key."""
    return _share(request, provider, is_shared=True)


@require_POST
@requires(Permission.PROVIDER_KEYS_EDIT)
def provider_key_unshare(request: MemberRequest, provider: str) -> HttpResponse:
    """Keep the agency's key to itself."""
    return _share(request, provider, is_shared=False)


def _share(request: MemberRequest, provider: str, *, is_shared: bool) -> HttpResponse:
    own = ProviderKey.objects.filter(provider=_kind(provider).provider).first()
    if own is None or not request.organization.is_agency:
        raise Http404
    keys.share_key(key=own, is_shared=is_shared, actor=request.user)
    return redirect("provider_key_list")


@require_POST
@requires(Permission.PROVIDER_KEYS_EDIT)
@sudo
def provider_key_remove(request: MemberRequest, provider: str) -> HttpResponse:
    """Take a key away; calls use the next one in line."""
    kind = _kind(provider)
    if not keys.remove_key(
        provider=provider, organization=request.organization, actor=request.user
    ):
        raise Http404
    messages.success(
        request, _("The key of %(vendor)s was removed.") % {"vendor": kind.label}
    )
    return redirect("provider_key_list")


def _kind(provider: str) -> KeyKind:
    if provider not in KINDS:
        raise Http404
    return KINDS[provider]
