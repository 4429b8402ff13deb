"""Forms of tools: a webhook function without JSON, and the tools of an MCP server."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy
from pydantic import TypeAdapter

from assistants.form_fields import plain_lines
from assistants.models import McpServer
from assistants.spec_secrets import MASK
from assistants.tool_shapes import (
    MAX_ALLOWED_TOOLS,
    NAME_PATTERN,
    FunctionTool,
    McpTool,
    Tool,
    checked_schema,
)
from common.http import OutboundError, check_url
from common.http.client import allowed_networks

_TOOL: TypeAdapter[Any] = TypeAdapter(Tool)
MAX_TOOL_NAME = 128


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
            raise forms.ValidationError(gettext("This is not valid JSON.")) from error
        if not isinstance(schema, dict):
            raise forms.ValidationError(gettext("Give a JSON object."))
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

    def clean(self) -> dict[str, Any]:
        return plain_lines(super().clean() or self.cleaned_data)

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


class TitleForm(forms.Form):
    """What a tool of the library is called, and what it is for."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    description = forms.CharField(
        label=gettext_lazy("What it is for"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=gettext_lazy("Shown in the library; assistants do not read it."),
    )

    def clean(self) -> dict[str, Any]:
        return plain_lines(super().clean() or self.cleaned_data)


class McpToolForm(forms.Form):
    """Which of a server's tools the assistant gets, and whether it goes without them."""

    allowed_tools = forms.MultipleChoiceField(
        label=gettext_lazy("Only these tools"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "At most 25. None chosen: all, when the server has no more than 25."
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

    def __init__(
        self,
        *args: Any,
        server: McpServer,
        tool: McpTool | None = None,
        **kwargs: Any,
    ) -> None:
        kept = tool.allowed_tools if tool else ()
        if tool is not None:
            kwargs["initial"] = {"allowed_tools": kept, "is_required": tool.required}
        super().__init__(*args, **kwargs)
        self.server = server
        listed = {
            one["name"]: one["description"] for one in server.last_test.get("tools", ())
        }
        field = self.fields["allowed_tools"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [
            (name, _labelled(name, listed.get(name)))
            for name in dict.fromkeys([*listed, *kept])
        ]
        if not field.choices:
            field.help_text = gettext(
                "Test the server to choose among its tools; until then all are used."
            )

    def clean_allowed_tools(self) -> tuple[str, ...]:
        names: list[str] = self.cleaned_data["allowed_tools"]
        if len(names) > MAX_ALLOWED_TOOLS:
            raise forms.ValidationError(
                gettext("At most %(count)s tools.") % {"count": MAX_ALLOWED_TOOLS}
            )
        if any(len(name) > MAX_TOOL_NAME for name in names):
            raise forms.ValidationError(
                gettext("A tool's name has at most %(count)s characters.")
                % {"count": MAX_TOOL_NAME}
            )
        return tuple(names)

    @property
    def tool(self) -> McpTool:
        """The tool these answers make."""
        data = self.cleaned_data
        return McpTool(
            mcp_server_id=self.server.pk,
            allowed_tools=data["allowed_tools"],
            required=data["is_required"],
        )


def _labelled(name: str, description: str | None) -> str:
    """The server's own words beside the name; one that it no longer lists says so."""
    if description is None:
        return gettext("%(name)s (not listed by the server)") % {"name": name}
    words = " ".join(description.split())
    return f"{name} – {words[:120]}" if words else name
