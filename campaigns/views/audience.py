"""Lists going into a campaign: uploaded, mapped, watched, stopped, and their faults."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _, gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from calls.forms import COUNTRIES
from campaigns.columns import BASIS, NAME, NUMBER, PROOF, STATE, ZONE, Columns
from campaigns.discarding import discard_import
from campaigns.errors import CampaignIsFinal
from campaigns.faults import faults_file
from campaigns.models import LeadImport
from campaigns.numbers import region_of
from campaigns.queries import get_campaign
from campaigns.sheets import BadSheet
from campaigns.streaming import (
    Preview,
    begin_import,
    cancel_import,
    keep_upload,
    preview_of,
    resume_import,
)
from common.days_off import holiday_countries
from portal.http import MemberRequest
from portal.permissions import Permission, requires

CHOICES = (
    ("variable", gettext_lazy("Variable of its own name")),
    (NUMBER, gettext_lazy("Telephone number")),
    (NAME, gettext_lazy("Name")),
    (ZONE, gettext_lazy("Time zone")),
    (STATE, gettext_lazy("State")),
    (BASIS, gettext_lazy("Consent: basis")),
    (PROOF, gettext_lazy("Consent: proof")),
    ("", gettext_lazy("Leave out")),
)


class UploadForm(forms.Form):
    """A file of people, and the country of numbers that name none."""

    file = forms.FileField(
        label=gettext_lazy("CSV or XLSX file"),
        widget=forms.FileInput({"accept": ".csv,.txt,.tsv,.xlsx"}),
    )
    region = forms.ChoiceField(
        label=gettext_lazy("Country of numbers without a country code"),
        required=False,
    )

    def __init__(self, *args: Any, region: str = "", **kwargs: Any) -> None:
        kwargs["initial"] = {"region": region}
        super().__init__(*args, **kwargs)
        known: Any = self.fields["region"]
        others = [c for c in holiday_countries() if len(c) == 2 and c not in COUNTRIES]
        known.choices = [
            ("", _("None")),
            *sorted(COUNTRIES.items(), key=lambda one: str(one[1])),
            *((code, code) for code in others),
        ]


class MappingForm(forms.Form):
    """What each column of a file is; guessed from its headings."""

    def __init__(self, *args: Any, preview: Preview, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.preview = preview
        roles = {index: role for role, index in preview.columns.roles.items()}
        variables = set(preview.columns.variables.values())
        for index, heading in enumerate(preview.headings):
            guess = roles.get(index, "variable" if index in variables else "")
            self.fields[f"column_{index}"] = forms.ChoiceField(
                label=heading or _("Column %(n)d") % {"n": index + 1},
                choices=CHOICES,
                required=False,
                initial=guess,
            )

    @property
    def rows(self) -> list[tuple[Any, list[str]]]:
        return [
            (
                self[f"column_{index}"],
                [row[index] for row in self.preview.rows[:3] if index < len(row)],
            )
            for index in range(len(self.preview.headings))
        ]

    @property
    def columns(self) -> Columns:
        chosen = [
            self.cleaned_data.get(f"column_{index}", "")
            for index in range(len(self.preview.headings))
        ]
        return Columns.chosen(self.preview.headings, chosen)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if NUMBER not in self.columns.roles:
            raise forms.ValidationError(
                _("Say which column holds the telephone numbers.")
            )
        return cleaned


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_upload(request: MemberRequest, campaign_id: UUID) -> HttpResponse:
    """Take a file; what its columns are is asked on the next page."""
    campaign = get_campaign(campaign_id)
    if campaign.is_final:
        messages.info(request, _("This campaign has ended and stays as it is."))
        return redirect("campaign_detail", campaign.pk)
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        region=region_of(campaign.number.number),
    )
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            row = keep_upload(
                campaign=campaign,
                file=file,
                size=int(file.size),
                file_name=str(file.name),
                region=form.cleaned_data["region"],
                actor=request.user,
            )
        except (BadSheet, CampaignIsFinal) as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect("campaign_mapping", campaign.pk, row.pk)
    context = {"form": form, "campaign": campaign}
    status = 422 if form.errors else 200
    return render(request, "campaigns/upload.html", context, status=status)


@require_http_methods(["GET", "POST"])
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_mapping(
    request: MemberRequest, campaign_id: UUID, import_id: UUID
) -> HttpResponse:
    """Say what the columns of the uploaded file are, and start the import."""
    row = _import(campaign_id, import_id)
    if row.status != LeadImport.Status.UPLOADED:
        return redirect("campaign_setup", campaign_id, "audience")
    try:
        with default_storage.open(row.file) as file:
            form = MappingForm(request.POST or None, preview=preview_of(file))
    except (BadSheet, FileNotFoundError):
        messages.error(request, _("The file is gone. Upload it again."))
        return redirect("campaign_upload", campaign_id)
    if request.method == "POST" and form.is_valid():
        try:
            begin_import(row=row, columns=form.columns, actor=request.user)
        except CampaignIsFinal as refusal:
            messages.error(request, str(refusal))
        return redirect("campaign_setup", campaign_id, "audience")
    context = {"form": form, "campaign": row.campaign, "row": row}
    status = 422 if form.errors else 200
    return render(request, "campaigns/mapping.html", context, status=status)


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_import_cancel(
    request: MemberRequest, campaign_id: UUID, import_id: UUID
) -> HttpResponse:
    """Stop an import; who is in stays in until they are taken back."""
    row = _import(campaign_id, import_id)
    if cancel_import(row=row, actor=request.user):
        messages.success(request, _("Stopped. Who was added so far stays."))
    return redirect("campaign_setup", campaign_id, "audience")


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_import_resume(
    request: MemberRequest, campaign_id: UUID, import_id: UUID
) -> HttpResponse:
    """Go on with an import that was stopped."""
    try:
        if not resume_import(row=_import(campaign_id, import_id), actor=request.user):
            messages.info(request, _("This import is not one that was stopped."))
    except CampaignIsFinal as refusal:
        messages.error(request, str(refusal))
    return redirect("campaign_setup", campaign_id, "audience")


@require_POST
@requires(Permission.CAMPAIGNS_EDIT)
def campaign_import_discard(
    request: MemberRequest, campaign_id: UUID, import_id: UUID
) -> HttpResponse:
    """Take the people of an import out again, those whom nobody called."""
    try:
        discard_import(row=_import(campaign_id, import_id), actor=request.user)
    except CampaignIsFinal as refusal:
        messages.error(request, str(refusal))
    return redirect("campaign_setup", campaign_id, "audience")


@require_GET
@requires(Permission.CAMPAIGNS_READ)
def campaign_import_faults(
    request: MemberRequest, campaign_id: UUID, import_id: UUID
) -> StreamingHttpResponse:
    """The rows that could not be used, as a CSV file."""
    return faults_file(_import(campaign_id, import_id))


def _import(campaign_id: UUID, import_id: UUID) -> LeadImport:
    row = LeadImport.objects.select_related("organization", "campaign").filter(
        campaign=get_campaign(campaign_id), pk=import_id
    )
    found = row.first()
    if found is None:
        raise Http404("No such import.")
    return found
