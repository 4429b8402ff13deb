"""Pages about clients: set-up, limits, notes, the end; and strangers who sign up."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext as _, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from assistants.sovereignty import OutsideRegion
from config.clients import managing, signing_up
from config.clients.forms import LimitsForm, NoteForm, SetUpForm, SignUpForm
from config.clients.library import Choice, LibraryForm, copy_library
from config.cockpit.queries import get_client
from portal.hosts import portal_url
from portal.http import MemberRequest, PortalRequest
from portal.limits import PlanLimit
from portal.models import Organization, Portal, SignUpRequest
from portal.permissions import Permission, public, requires
from portal.proxy import client_address
from portal.services.organizations import set_status

_MOVES = {
    "suspend": Organization.Status.SUSPENDED,
    "resume": Organization.Status.ACTIVE,
    "archive": Organization.Status.ARCHIVED,
}


@require_http_methods(["GET", "POST"])
@requires(Permission.BRAND_EDIT)
def client_set_up(request: MemberRequest) -> HttpResponse:
    """How clients come to the portal and what they find; the portal's switch."""
    if request.portal is None:
        raise Http404
    portal = Portal.objects.select_related("agency").get(pk=request.portal.pk)
    sent = request.POST if request.method == "POST" else None
    form = SetUpForm(sent, instance=portal)
    library = LibraryForm(sent, chosen=Choice.of(portal))
    if request.method == "POST" and form.is_valid() and library.is_valid():
        managing.save_set_up(
            portal=form.instance, templates=library.choice(), actor=request.user
        )
        messages.success(request, _("Saved."))
        return redirect("client_set_up")
    context = {
        "form": form,
        "library": library,
        "sign_up_url": portal_url(portal, "/sign-up/"),
    }
    return render(
        request,
        "cockpit/client_set_up.html",
        context,
        status=422 if form.errors or library.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.CLIENTS_EDIT)
def client_copy(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Give a client copies of what the agency built."""
    client = get_client(request.organization, client_id)
    form = LibraryForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            copied = copy_library(
                agency=request.organization,
                client=client,
                choice=form.choice(),
                actor=request.user,
            )
        except PlanLimit:
            form.add_error(
                "assistants",
                _("%(name)s has no room for so many. Raise its limits first.")
                % {"name": client.name},
            )
        except OutsideRegion as error:
            form.add_error("assistants", str(error))
        else:
            text = ngettext(
                "%(count)d thing was copied to %(name)s.",
                "%(count)d things were copied to %(name)s.",
                copied.total,
            )
            messages.success(
                request, text % {"count": copied.total, "name": client.name}
            )
            return redirect("client_detail", client_id)
    return render(
        request,
        "cockpit/client_copy.html",
        {"form": form, "client": client},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.CLIENTS_EDIT)
def client_limits(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """What a client may have, and what is switched off for it."""
    client = get_client(request.organization, client_id)
    form = LimitsForm(
        request.POST if request.method == "POST" else None, instance=client
    )
    if request.method == "POST" and form.is_valid():
        managing.save_limits(client=form.instance, actor=request.user)
        messages.success(request, _("Saved. It holds at once."))
        return redirect("client_detail", client_id)
    context = {"form": form, "client": client}
    return render(
        request,
        "cockpit/client_limits.html",
        context,
        status=422 if form.errors else 200,
    )


@require_POST
@requires(Permission.CLIENTS_EDIT)
def client_move(request: MemberRequest, client_id: UUID, move: str) -> HttpResponse:
    """Suspend, resume or archive a client; ask for its deletion, or call that off."""
    client = get_client(request.organization, client_id)
    if move == "delete":
        managing.ask_for_deletion(client=client, actor=request.user)
        messages.success(
            request,
            _("%(name)s is archived and will be erased in 30 days.")
            % {"name": client.name},
        )
    elif move == "keep":
        managing.call_off_deletion(client=client, actor=request.user)
        messages.success(
            request, _("%(name)s stays. It is suspended.") % {"name": client.name}
        )
    elif move in _MOVES:
        set_status(organization=client, status=_MOVES[move], actor=request.user)
        messages.success(request, _("Done."))
    else:
        raise Http404
    return redirect("client_detail", client_id)


@require_POST
@requires(Permission.CLIENTS_EDIT)
def client_note(request: MemberRequest, client_id: UUID) -> HttpResponse:
    """Keep a remark about a client."""
    client = get_client(request.organization, client_id)
    form = NoteForm(request.POST)
    if form.is_valid():
        managing.add_note(
            agency=request.organization,
            client=client,
            text=form.cleaned_data["text"],
            author=request.user,
        )
    else:
        messages.error(request, _("Write something first."))
    return redirect("client_detail", client_id)


@require_POST
@requires(Permission.CLIENTS_EDIT)
def sign_up_decide(
    request: MemberRequest, request_id: UUID, decision: str
) -> HttpResponse:
    """Open a client for somebody who asked, or decline."""
    wish = SignUpRequest.objects.filter(
        pk=request_id, organization=request.organization
    ).first()
    if wish is None or decision not in ("approve", "decline"):
        raise Http404
    if decision == "approve":
        signing_up.approve(request=wish, actor=request.user)
        messages.success(
            request,
            _("%(company)s is open; an invitation is on its way.")
            % {"company": wish.company},
        )
    else:
        signing_up.decline(request=wish, actor=request.user)
        messages.success(request, _("Declined. Nobody was written to."))
    return redirect("client_list")


@require_http_methods(["GET", "POST"])
@public
def sign_up(request: PortalRequest) -> HttpResponse:
    """Ask for an account; open to all, and answers everybody the same."""
    portal = request.portal
    if portal is None:
        raise Http404
    if not signing_up.accepts(portal):
        return render(request, "account/signup_closed.html")
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        try:
            if not values.pop("website"):
                signing_up.ask(
                    portal=portal,
                    language=get_language() or "",
                    address=client_address(request) or "",
                    **values,
                )
        except signing_up.TooManySignUps:
            return render(request, "account/too_many.html", status=429)
        return render(request, "account/sign_up_sent.html")
    return render(
        request,
        "account/sign_up.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


@never_cache
@require_http_methods(["GET", "POST"])
@public
def welcome(request: PortalRequest, token: str) -> HttpResponse:
    """Confirm the address of a sign-up; open to all, as the link is the proof.

    A GET changes nothing: mail programs open links before people do.
    """
    portal = request.portal
    if portal is None:
        raise Http404
    if request.method == "GET":
        return render(request, "account/welcome.html")
    try:
        wish = signing_up.confirm(portal=portal, token=token)
    except signing_up.SignUpEnded:
        return render(request, "account/invitation_ended.html", status=404)
    if not wish.join_token:
        return render(request, "account/sign_up_waiting.html")
    return redirect("join", wish.join_token)
