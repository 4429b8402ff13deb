"""Forms of analyses: what to find out after a call, without JSON for those who want none."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _, gettext_lazy

from assistants.analysis_plan import (
    PLACEHOLDERS,
    AnalysisPlan,
    PromptMessage,
    StructuredDataPlan,
    SuccessPlan,
    SummaryPlan,
)
from assistants.tool_forms import SchemaField


def _prompt(label: Any, rows: int = 4) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=20_000,
        widget=forms.Textarea({"rows": rows}),
    )


class AnalysisTemplateForm(forms.Form):
    """An analysis kept in the library."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    description = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=2_000,
        required=False,
        widget=forms.Textarea({"rows": 2}),
    )
    schema = SchemaField(label=gettext_lazy("Facts to find"), required=True)
    system_prompt = _prompt(gettext_lazy("Instructions to the model"), rows=3)
    user_prompt = _prompt(gettext_lazy("Question to the model"))
    min_messages_threshold = forms.IntegerField(
        label=gettext_lazy("Only from"), min_value=0, max_value=100, initial=2
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["system_prompt"].help_text = _("Empty: ours.")
        self.fields["user_prompt"].help_text = _(
            "Empty: ours. You may use %(names)s."
        ) % {"names": ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)}

    def clean_schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = self.cleaned_data["schema"]
        if not schema.get("properties"):
            raise forms.ValidationError(_("Add at least one fact to find."))
        return schema


class AnalysisForm(forms.Form):
    """What one assistant's calls are looked at for."""

    summarises = forms.BooleanField(
        label=gettext_lazy("Summarise each call"), required=False
    )
    finds_data = forms.BooleanField(label=gettext_lazy("Find facts"), required=False)
    schema = SchemaField(label=gettext_lazy("Facts to find"))
    system_prompt = _prompt(gettext_lazy("Instructions to the model"), rows=3)
    user_prompt = _prompt(gettext_lazy("Question to the model"))
    evaluates = forms.BooleanField(
        label=gettext_lazy("Judge whether the call was a success"), required=False
    )
    criteria = forms.CharField(
        label=gettext_lazy("A success is"),
        required=False,
        max_length=4_000,
        widget=forms.Textarea({"rows": 3}),
        help_text=gettext_lazy("Empty: judged by the assistant's own instructions."),
    )
    min_messages_threshold = forms.IntegerField(
        label=gettext_lazy("Only from"), min_value=0, max_value=100
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        schema = cleaned.get("schema")
        is_empty = schema is not None and not schema.get("properties")
        if cleaned.get("finds_data") and is_empty:
            self.add_error("schema", _("Add at least one fact to find."))
        return cleaned

    def plan(self, before: AnalysisPlan | None) -> AnalysisPlan:
        """Return the plan these answers make; what the form does not show is kept."""
        data = self.cleaned_data
        base = before or AnalysisPlan()
        messages = tuple(
            PromptMessage(role=role, content=text)
            for role, text in (
                ("system", data["system_prompt"]),
                ("user", data["user_prompt"]),
            )
            if text
        )
        structured = None
        if data["schema"].get("properties"):
            structured = StructuredDataPlan(
                enabled=data["finds_data"], schema=data["schema"], messages=messages
            )
        return base.model_copy(
            update={
                "summary_plan": SummaryPlan(
                    enabled=data["summarises"], messages=base.summary_plan.messages
                ),
                "structured_data_plan": structured,
                "success_evaluation_plan": SuccessPlan(
                    enabled=data["evaluates"], criteria=data["criteria"]
                ),
                "min_messages_threshold": data["min_messages_threshold"],
            }
        )


def initial_of(plan: AnalysisPlan | None) -> dict[str, Any]:
    """Return the answers that make this plan."""
    plan = plan or AnalysisPlan()
    structured, success = plan.structured_data_plan, plan.success_evaluation_plan

    def prompt(role: str) -> str:
        messages = structured.messages if structured else ()
        return "\n\n".join(one.content for one in messages if one.role == role)

    return {
        "summarises": plan.summary_plan.enabled,
        "finds_data": structured.enabled if structured else False,
        "schema": structured.json_schema if structured else {},
        "system_prompt": prompt("system"),
        "user_prompt": prompt("user"),
        "evaluates": success.enabled if success else False,
        "criteria": success.criteria if success else "",
        "min_messages_threshold": plan.min_messages_threshold,
    }
