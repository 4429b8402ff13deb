"""Where a call may be handed to: one row of fields for each destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext as _, gettext_lazy
from pydantic import TypeAdapter, ValidationError

from assistants.tool_shapes import (
    MAX_DESTINATIONS,
    Destination,
    Tool,
    TransferCallTool,
)

_TOOL: Final[TypeAdapter[Any]] = TypeAdapter(Tool)


class DestinationForm(forms.Form):
    """One destination; a row that is left empty is none."""

    number = forms.CharField(
        label=gettext_lazy("Number or SIP address"),
        max_length=200,
        required=False,
        widget=forms.TextInput(
            {"placeholder": "+31201234567", "autocomplete": "off", "inputmode": "tel"}
        ),
    )
    description = forms.CharField(
        label=gettext_lazy("When to use it"), max_length=500, required=False
    )
    message = forms.CharField(
        label=gettext_lazy("Say first"), max_length=300, required=False
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("How"),
        choices=[
            ("blind", gettext_lazy("At once")),
            ("warm", gettext_lazy("After telling them who comes")),
        ],
        initial="blind",
    )

    @property
    def is_empty(self) -> bool:
        data = getattr(self, "cleaned_data", {})
        return not any(data.get(name) for name in ("number", "description", "message"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors or self.is_empty:
            return cleaned
        if not cleaned["number"]:
            self.add_error("number", _("Give a number or a SIP address."))
            return cleaned
        try:
            _TOOL.validate_python(
                {"type": "transfer_call", "destinations": [self.values]}
            )
        except ValidationError as error:
            self.add_error("number", _said(error))
        return cleaned

    @property
    def values(self) -> dict[str, Any]:
        """The destination as the API takes it."""
        data = self.cleaned_data
        return {**data, "message": data["message"] or None}


if TYPE_CHECKING:
    _Rows = forms.BaseFormSet[DestinationForm]
else:
    _Rows = forms.BaseFormSet


class _Destinations(_Rows):
    """All rows; at least one holds something, and no number comes twice."""

    def clean(self) -> None:
        if any(form.errors for form in self.forms):
            return
        filled = [form for form in self.forms if not form.is_empty]
        if not filled:
            self.forms[0].add_error("number", _("Give at least one destination."))
        seen: set[str] = set()
        for form in filled:
            number = form.cleaned_data["number"]
            if number in seen:
                form.add_error("number", _("This destination is there already."))
            seen.add(number)

    def is_valid(self) -> bool:
        # `clean` of the whole puts its errors beside the rows' fields.
        return super().is_valid() and not any(form.errors for form in self.forms)

    @property
    def tool(self) -> TransferCallTool:
        """The tool these rows make."""
        rows = [form.values for form in self.forms if not form.is_empty]
        tool: TransferCallTool = _TOOL.validate_python(
            {"type": "transfer_call", "destinations": rows}
        )
        return tool


def destination_rows(
    data: Any = None, *, tool: TransferCallTool | None = None
) -> _Destinations:
    """Return the rows of a transfer tool, with empty ones to add to."""
    known = tool.destinations if tool else ()
    made = forms.formset_factory(
        DestinationForm,
        formset=_Destinations,
        extra=1 if known else 2,
        max_num=MAX_DESTINATIONS,
        absolute_max=MAX_DESTINATIONS + 10,
        validate_max=True,
    )
    rows: Any = made(data, initial=[_answers(one) for one in known], prefix="to")
    return rows  # type: ignore[no-any-return]  # the factory's class is made at run time


def _answers(one: Destination) -> dict[str, Any]:
    return one.model_dump(exclude={"type"}) | {"message": one.message or ""}


def _said(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")
