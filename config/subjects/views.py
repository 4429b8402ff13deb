"""Requests of people about their own data: the page, the package, the certificate."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from calls.models import Erasure, RetentionRun
from common.phone import InvalidNumber, parse_number
from config.subjects.erasing import (
    ErasureRefused,
    erase_subject,
    export_subject,
    find_subject,
)
from portal.http import MemberRequest
from portal.permissions import Permission, requires

SHOWN = 20


class SubjectForm(forms.Form):
    """Whose data; a number in full."""

    number = forms.CharField(
        label=gettext_lazy("Telephone number"),
        max_length=40,
        help_text=gettext_lazy("With its country code, such as +31201234567."),
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )

    def clean_number(self) -> str:
        try:
            return parse_number(self.cleaned_data["number"])
        except InvalidNumber as error:
            raise forms.ValidationError(str(error)) from error


@require_GET
@requires(Permission.PRIVACY_EDIT)
def subject_find(request: MemberRequest) -> HttpResponse:
    """What is kept of a number, what was erased before, what went by itself."""
    return _page(request, SubjectForm(request.GET if "number" in request.GET else None))


@require_POST
@requires(Permission.PRIVACY_EDIT)
def subject_export(request: MemberRequest) -> HttpResponse:
    """Everything of a number as one file to hand over."""
    form = SubjectForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    found = find_subject(request.organization, form.cleaned_data["number"])
    response = HttpResponse(export_subject(found), content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="personal-data.zip"'
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires(Permission.PRIVACY_EDIT)
def subject_erase(request: MemberRequest) -> HttpResponse:
    """Erase everything of a number and show the certificate."""
    form = SubjectForm(request.POST)
    if not form.is_valid():
        return _page(request, form)
    try:
        certificate = erase_subject(
            organization=request.organization,
            number=form.cleaned_data["number"],
            actor=request.user,
        )
    except ErasureRefused as refusal:
        form.add_error("number", str(refusal))
        return _page(request, form)
    messages.success(request, _("Erased. This is the certificate."))
    return redirect("subject_certificate", certificate.pk)


@require_GET
@requires(Permission.PRIVACY_READ)
def subject_certificate(request: MemberRequest, erasure_id: UUID) -> HttpResponse:
    """What was erased of one person; as a page, or as text to send."""
    certificate = Erasure.objects.filter(pk=erasure_id).first()
    if certificate is None:
        raise Http404
    context = {"certificate": certificate}
    if "download" in request.GET:
        response = render(
            request,
            "privacy/certificate.txt",
            context,
            content_type="text/plain; charset=utf-8",
        )
        response["Content-Disposition"] = (
            f'attachment; filename="erasure-{certificate.pk}.txt"'
        )
        return response
    return render(request, "privacy/certificate.html", context)


def _page(request: MemberRequest, form: SubjectForm) -> HttpResponse:
    found = None
    if form.is_bound and form.is_valid():
        found = find_subject(request.organization, form.cleaned_data["number"])
    context = {
        "form": form,
        "found": found,
        "erasures": Erasure.objects.all()[:SHOWN],
        "runs": RetentionRun.objects.all()[:SHOWN],
    }
    return render(
        request,
        "privacy/subject.html",
        context,
        status=422 if form.is_bound and form.errors else 200,
    )
