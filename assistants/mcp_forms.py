"""The form of an MCP server."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistants.mcp_servers import TIMEOUTS_S
from assistants.models import McpServer


class McpServerForm(forms.Form):
    """Headers are typed one a line; those that are kept are not shown."""

    name = forms.CharField(label=_("Name"), max_length=80)
    url = forms.CharField(
        label=_("Address"),
        max_length=2_000,
        widget=forms.URLInput({"placeholder": "https://…/mcp"}),
        help_text=_("A public address over HTTPS."),
    )
    transport = forms.ChoiceField(
        label=_("Transport"), choices=McpServer.Transport.choices
    )
    timeout_seconds = forms.IntegerField(
        label=_("Longest wait"),
        min_value=TIMEOUTS_S.start,
        max_value=TIMEOUTS_S.stop - 1,
        initial=20,
    )
    headers = forms.CharField(
        label=_("Headers"),
        required=False,
        widget=forms.Textarea(
            {
                "rows": 3,
                "placeholder": "Authorization: Bearer …",
                "spellcheck": "false",
                "autocomplete": "off",
            }
        ),
    )

    def __init__(self, *args: Any, server: McpServer | None, **kwargs: Any) -> None:
        if server is not None:
            names = ("name", "url", "transport", "timeout_seconds")
            kwargs["initial"] = {name: getattr(server, name) for name in names}
        super().__init__(*args, **kwargs)
        if server is not None and server.header_names:
            self.fields["headers"].help_text = _(
                "Kept: %(names)s. Leave empty to keep them; what you type replaces them all."
            ) % {"names": ", ".join(server.header_names)}
        else:
            self.fields["headers"].help_text = _("One a line, at most 10.")

    def clean_headers(self) -> dict[str, str] | None:
        """Return the headers typed; none for an empty field."""
        headers: dict[str, str] = {}
        for line in self.cleaned_data["headers"].splitlines():
            if not line.strip():
                continue
            name, separator, value = line.partition(":")
            if not separator:
                raise forms.ValidationError(_("Write each header as “Name: value”."))
            headers[name.strip()] = value.strip()
        return headers or None

    @property
    def values(self) -> dict[str, Any]:
        """What the service takes; headers that were not typed are left as they are."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if value is not None
        }

    def refuse(self, param: str, message: str) -> None:
        """Put a refusal beside the field it is about."""
        self.add_error(param.partition(".")[0], message)
