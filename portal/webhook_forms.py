"""Forms about webhook endpoints and their deliveries."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from common.http import OutboundError, check_url
from common.http.client import allowed_networks
from portal.models import WebhookDelivery
from portal.webhooks import kinds


class EndpointForm(forms.Form):
    """Where to send what."""

    url = forms.CharField(
        label=_("Address"),
        max_length=2_000,
        widget=forms.URLInput({"placeholder": "https://"}),
        help_text=_("Over HTTPS. It answers with any status of the 200s."),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=120,
        required=False,
        help_text=_("Where it leads, such as “CRM”."),
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[*kinds.CHOICES.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=["status-update", "end-of-call-report"],
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            check_url(url, allowed=allowed_networks())
        except OutboundError as error:
            raise forms.ValidationError(str(error)) from error
        return url


class AssistantEndpointForm(EndpointForm):
    """An assistant's own endpoint: its address and events are the assistant's settings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["url"], self.fields["events"]


class TestEventForm(forms.Form):
    """Which event to invent."""

    kind = forms.ChoiceField(
        label=_("Event"),
        choices=[
            ("status-update", _("Status update")),
            ("end-of-call-report", _("End of call report")),
            ("tool-calls", _("Tool calls")),
            ("assistant-request", _("Assistant request")),
            ("campaign.completed", _("Campaign completed")),
            ("lead.completed", _("Lead reached")),
            ("credits.low", _("Credits low")),
            ("recording.ready", _("Recording ready")),
        ],
    )


class DeliveryFilterForm(forms.Form):
    """Which deliveries of an endpoint are shown, or sent again."""

    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("Any")), *WebhookDelivery.Status.choices],
    )
    kind = forms.ChoiceField(
        label=_("Event"),
        required=False,
        choices=[("", _("Any")), *((name, name) for name in kinds.CHOICES)],
    )
    first_day = forms.DateField(
        label=_("From"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )
    last_day = forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

    def chosen(self, time_zone: str) -> dict[str, Any]:
        """Return the filter as `filter_deliveries` takes it; a wrong field is left out."""
        self.is_valid()
        values = self.cleaned_data
        zone = ZoneInfo(time_zone)
        found: dict[str, Any] = {
            name: values[name] for name in ("status", "kind") if values.get(name)
        }
        if day := values.get("first_day"):
            found["since"] = datetime.combine(day, time.min, zone)
        if day := values.get("last_day"):
            found["until"] = datetime.combine(day + timedelta(days=1), time.min, zone)
        return found
