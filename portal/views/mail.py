"""Mail of a portal: its sender, its sending domain, what went out, and how it looks."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.http import MemberRequest
from portal.mail import domains
from portal.mail.delivery import send_again
from portal.mail.kinds import KINDS, UnknownMail, kind_of
from portal.mail.mailbox import arrived
from portal.mail.rendering import render_mail
from portal.mail.transports import sender_address
from portal.mail_form import SenderForm
from portal.models import OutgoingMail
from portal.permissions import Permission, requires
from portal.scope import agency_scope
from portal.services.mail import save_sender, send_test, sender_of
from portal.sudo import sudo

# A mail is a page of its own: it styles itself, runs nothing and reaches nobody.
_MAIL_POLICY = (
    "default-src 'none'; img-src 'self' data: https:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'; sandbox"
)


@require_http_methods(["GET", "POST"])
@requires(Permission.MAIL_EDIT)
@sudo
def mail_edit(request: MemberRequest) -> HttpResponse:
    """Name, address and server of the portal's mails, and its sending domain."""
    sender = sender_of(request.organization)
    form = SenderForm(
        request.POST if request.method == "POST" else None, instance=sender
    )
    if request.method == "POST" and form.is_valid():
        save_sender(
            sender=form.instance,
            smtp_password=form.cleaned_data["smtp_password"],
            resend_key=form.cleaned_data["resend_key"],
            actor=request.user,
        )
        messages.success(request, _("Saved. Send yourself a test."))
        return redirect("mail_edit")
    context = {
        "form": form,
        "sender": sender,
        "shown_sender": '"{}" <{}>'.format(
            *sender_address(request.portal, None if sender._state.adding else sender)
        ),
        "domain": domains.sending_domain_of(request.organization),
        "kinds": KINDS.values(),
    }
    return render(
        request, "portal/mail_form.html", context, status=422 if form.errors else 200
    )


@require_POST
@requires(Permission.MAIL_EDIT)
def mail_test(request: MemberRequest) -> HttpResponse:
    """Send oneself a mail through what is set up now."""
    send_test(agency=request.organization, to=request.user.email)
    messages.success(
        request,
        _("A test to %(email)s is on its way; the log says what became of it.")
        % {"email": request.user.email},
    )
    return redirect("mail_log")


@require_GET
@requires(Permission.MAIL_EDIT)
def mail_log(request: MemberRequest) -> HttpResponse:
    """Every mail of the portal and what became of it, failures first to be seen."""
    with agency_scope(request.organization.pk):
        rows = OutgoingMail.objects.select_related("organization").defer("text", "html")
        status = request.GET.get("status", "")
        if status in OutgoingMail.Status.values:
            rows = rows.filter(status=status)
        page = Paginator(rows, 50).get_page(request.GET.get("page"))
        mails = [
            {"row": mail, "label": getattr(KINDS.get(mail.template), "label", "")}
            for mail in page
        ]
    context = {
        "page": page,
        "mails": mails,
        "status": status,
        "statuses": OutgoingMail.Status.choices,
        "is_demo": bool(settings.DEMO_MAILBOX),
    }
    return render(request, "portal/mail_log.html", context)


@require_GET
@requires(Permission.MAIL_EDIT)
def mail_show(request: MemberRequest, mail_id: UUID) -> HttpResponse:
    """One mail as it went out, while its text is kept."""
    mail = _mail(request, mail_id)
    context = {"mail": mail, "arrived": arrived(mail)}
    return render(request, "portal/mail_show.html", context)


@require_GET
@requires(Permission.MAIL_EDIT)
@xframe_options_sameorigin
def mail_body(request: MemberRequest, mail_id: UUID) -> HttpResponse:
    """The mail itself, for the frame of its page."""
    mail = _mail(request, mail_id)
    taken_in = arrived(mail)
    response = HttpResponse(taken_in.html if taken_in else mail.html)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response


def _mail(request: MemberRequest, mail_id: UUID) -> OutgoingMail:
    with agency_scope(request.organization.pk):
        mail = OutgoingMail.objects.filter(pk=mail_id).first()
    if mail is None:
        raise Http404
    return mail


@require_POST
@requires(Permission.MAIL_EDIT)
def mail_again(request: MemberRequest, mail_id: UUID) -> HttpResponse:
    """Try a mail once more that was given up."""
    with agency_scope(request.organization.pk):
        mail = OutgoingMail.objects.filter(pk=mail_id).first()
        if mail is None:
            raise Http404
        is_queued = send_again(mail=mail, actor=request.user)
    if is_queued:
        messages.success(request, _("It is on its way again."))
    else:
        messages.error(request, _("There is nothing left to send."))
    return redirect("mail_log")


@require_GET
@requires(Permission.MAIL_EDIT)
@xframe_options_sameorigin
def mail_preview(request: MemberRequest, kind: str) -> HttpResponse:
    """How a kind of mail looks in the brand of now."""
    try:
        sample: Any = kind_of(kind).sample
    except UnknownMail:
        raise Http404 from None
    rendered = render_mail(
        kind, portal=request.portal, language=get_language() or "en", context=sample
    )
    response = HttpResponse(rendered.html)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response


@require_GET
@requires(Permission.MAIL_EDIT)
def mail_previews(request: MemberRequest) -> HttpResponse:
    """Every kind of mail beside its name."""
    chosen = request.GET.get("kind", "invite")
    kind = KINDS.get(chosen) or KINDS["invite"]
    rendered = render_mail(
        kind.name,
        portal=request.portal,
        language=get_language() or "en",
        context=kind.sample,
    )
    context = {"kinds": KINDS.values(), "kind": kind, "rendered": rendered}
    return render(request, "portal/mail_previews.html", context)


# --- the sending domain ---------------------------------------------------------------
@require_POST
@requires(Permission.MAIL_EDIT)
def mail_domain_add(request: MemberRequest) -> HttpResponse:
    """Begin to send from a domain of one's own."""
    try:
        domains.add_sending_domain(
            organization=request.organization,
            name=request.POST.get("name", ""),
            actor=request.user,
        )
    except (ValidationError, domains.MailServiceError) as error:
        text = error.messages[0] if isinstance(error, ValidationError) else str(error)
        messages.error(request, text)
    return redirect("mail_edit")


@require_POST
@requires(Permission.MAIL_EDIT)
def mail_domain_verify(request: MemberRequest) -> HttpResponse:
    """Look now whether the records stand."""
    domain = domains.sending_domain_of(request.organization)
    if domain is None:
        raise Http404
    try:
        domains.verify_sending_domain(domain=domain)
    except domains.MailServiceError as error:
        messages.error(request, str(error))
    return redirect("mail_edit")


@require_POST
@requires(Permission.MAIL_EDIT)
def mail_domain_remove(request: MemberRequest) -> HttpResponse:
    """Send from it no more."""
    domain = domains.sending_domain_of(request.organization)
    if domain is None:
        raise Http404
    domains.remove_sending_domain(domain=domain, actor=request.user)
    messages.success(request, _("Removed."))
    return redirect("mail_edit")
