"""Forms of tools: a webhook function without JSON, and the destinations of a transfer."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy
from pydantic import TypeAdapter, ValidationError

from assistants.models import McpServer
from assistants.spec_secrets import MASK
from assistants.tool_shapes import (
    MAX_ALLOWED_TOOLS,
    MAX_DESTINATIONS,
    NAME_PATTERN,
    FunctionTool,
    McpTool,
    Tool,
    TransferCallTool,
    checked_schema,
)
from common.http import OutboundError, check_url
from common.http.client import allowed_networks

_TOOL: TypeAdapter[Any] = TypeAdapter(Tool)


class SchemaField(forms.CharField):
    """A JSON Schema of an object, typed as JSON or put together by the builder."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("required", False)
        kwargs["widget"] = forms.Textarea({"rows": 10, "spellcheck": "false"})
        kwargs.setdefault("max_length", 25_000)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return {}
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not valid JSON.")) from error
        if not isinstance(schema, dict):
            raise forms.ValidationError(_("Give a JSON object."))
        try:
            return checked_schema(schema)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
        return value

    def run_validators(self, value: Any) -> None:
        """The text's length was bounded as it came; the schema was checked above."""


class FunctionForm(forms.Form):
    """A webhook function: what the model is told of it, and where it runs."""

    name = forms.RegexField(
        f"^{NAME_PATTERN.strip('^$')}$",
        label=gettext_lazy("Name"),
        max_length=64,
        help_text=gettext_lazy(
            "Letters, digits, _ and -; what the assistant calls it, such as check_order."
        ),
        error_messages={
            "invalid": gettext_lazy(
                "Start with a letter or _, then letters, digits, _ and - only."
            )
        },
    )
    description = forms.CharField(
        label=gettext_lazy("When to use it"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("The assistant decides by these words."),
    )
    parameters = SchemaField(label=gettext_lazy("What the assistant fills in"))
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=2_000,
        required=False,
        widget=forms.URLInput({"placeholder": "https://…"}),
        help_text=gettext_lazy(
            "Empty: the webhook address of the assistant, or of your organization."
        ),
    )
    secret = forms.CharField(
        label=gettext_lazy("Signing secret"),
        max_length=500,
        required=False,
        widget=forms.PasswordInput({"autocomplete": "off"}, render_value=True),
        help_text=gettext_lazy(
            "Requests are signed with it, so that you know they are ours."
        ),
    )
    message = forms.CharField(
        label=gettext_lazy("Say meanwhile"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Spoken while the caller waits for the answer."),
    )
    run_async = forms.BooleanField(
        label=gettext_lazy("Do not wait for the answer"),
        required=False,
        help_text=gettext_lazy(
            "The conversation goes on at once. Else the answer is waited for, ten seconds at most."
        ),
    )

    def clean_url(self) -> str | None:
        url: str = self.cleaned_data["url"].strip()
        if not url:
            return None
        try:
            check_url(url, allowed=allowed_networks())
        except OutboundError as error:
            raise forms.ValidationError(str(error)) from error
        return url

    @property
    def tool(self) -> FunctionTool:
        """The tool these answers make."""
        data = self.cleaned_data
        tool: FunctionTool = _TOOL.validate_python(
            {
                "name": data["name"],
                "description": data["description"],
                "parameters": data["parameters"],
                "url": data["url"],
                "secret": data["secret"] or None,
                "message": data["message"] or None,
                "async": data["run_async"],
            }
        )
        return tool


def initial_of(tool: FunctionTool) -> dict[str, Any]:
    """Return the answers that make this tool; its secret is a mask."""
    return {
        "name": tool.function.name,
        "description": tool.function.description,
        "parameters": tool.function.parameters,
        "url": tool.server.url or "",
        "secret": MASK if tool.server.secret else "",
        "message": tool.message or "",
        "run_async": tool.run_async,
    }


class ToolTemplateForm(FunctionForm):
    """A function kept in the library, under a title of its own."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    field_order = ("title",)


class TransferForm(forms.Form):
    """Destinations, one a line: number or SIP address, when to use it, what to say."""

    destinations = forms.CharField(
        label=gettext_lazy("Destinations"),
        widget=forms.Textarea(
            {
                "rows": 4,
                "placeholder": "+31201234567 | the front desk, for bookings | One moment please",
                "spellcheck": "false",
            }
        ),
        help_text=gettext_lazy(
            "One a line: number or SIP address | when to use it | what to say first"
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        lines = [
            line
            for line in cleaned.get("destinations", "").splitlines()
            if line.strip()
        ]
        if len(lines) > MAX_DESTINATIONS:
            message = _("At most %(count)s destinations.") % {"count": MAX_DESTINATIONS}
            self.add_error("destinations", message)
            return cleaned
        found = []
        for line in lines:
            number, description, said = (
                part.strip() for part in (line + "||").split("|", 2)
            )
            found.append(
                {
                    "number": number,
                    "description": description,
                    "message": said.strip("| ") or None,
                }
            )
        try:
            self.tool = _TOOL.validate_python(
                {"type": "transfer_call", "destinations": found}
            )
        except ValidationError as error:
            for fault in error.errors():
                place = next((p for p in fault["loc"] if isinstance(p, int)), 0)
                said = str(fault["msg"]).removeprefix("Value error, ")
                self.add_error(
                    "destinations",
                    _("Line %(line)s: %(message)s")
                    % {"line": place + 1, "message": said},
                )
        return cleaned


def lines_of(tool: TransferCallTool | None) -> str:
    """Return destinations as the form's lines."""
    if tool is None:
        return ""
    return "\n".join(
        " | ".join((one.number, one.description, one.message or "")).rstrip(" |")
        for one in tool.destinations
    )


class McpToolForm(forms.Form):
    """Which server, and which of its tools."""

    server: forms.ModelChoiceField[McpServer] = forms.ModelChoiceField(
        label=gettext_lazy("Server"), queryset=None, empty_label=None
    )
    allowed_tools = forms.CharField(
        label=gettext_lazy("Only these tools"),
        required=False,
        widget=forms.Textarea({"rows": 4, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One name a line, at most 25. Empty: all, when the server has no more than 25."
        ),
    )
    is_required = forms.BooleanField(
        label=gettext_lazy("No call without it"),
        required=False,
        initial=True,
        help_text=gettext_lazy(
            "If the server cannot be reached, calls are refused; else they go on without."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        server = self.fields["server"]
        assert isinstance(server, forms.ModelChoiceField)
        server.queryset = McpServer.objects.all()

    def clean_allowed_tools(self) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(self.cleaned_data["allowed_tools"].split()))
        if len(names) > MAX_ALLOWED_TOOLS:
            raise forms.ValidationError(
                _("At most %(count)s tools.") % {"count": MAX_ALLOWED_TOOLS}
            )
        if any(len(name) > 128 for name in names):
            raise forms.ValidationError(_("A tool's name has at most 128 characters."))
        return names

    @property
    def tool(self) -> McpTool:
        """The tool these answers make."""
        data = self.cleaned_data
        return McpTool(
            mcp_server_id=data["server"].pk,
            allowed_tools=data["allowed_tools"],
            required=data["is_required"],
        )
