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
from assistants.catalogue import Stage
from assistants.form_fields import plain_lines
from assistants.form_offers import joined, model_groups, split
from assistants.keys import keys_at_hand
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
    summary_prompt = _prompt(gettext_lazy("How to summarise"), rows=3)
    min_messages_threshold = forms.IntegerField(
        label=gettext_lazy("Only from"),
        min_value=0,
        max_value=100,
        help_text=gettext_lazy("Shorter calls are not looked at."),
    )
    model = forms.ChoiceField(
        label=gettext_lazy("Model that looks at calls"), required=False
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        words = _("Empty: ours. You may use %(names)s.") % {"names": names}
        self.fields["system_prompt"].help_text = _("Empty: ours.")
        for name in ("user_prompt", "summary_prompt"):
            self.fields[name].help_text = words
        chosen = self.initial.get("model") or ""
        offered = model_groups(Stage.LLM, keys_at_hand())
        known = {value for _group, offers in offered for value, _label in offers}
        model = self.fields["model"]
        assert isinstance(model, forms.ChoiceField)
        model.choices = [
            ("", _("The after-call model of the assistant’s own provider")),
            *offered,
            *([(chosen, chosen)] if chosen and chosen not in known else []),
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = plain_lines(super().clean() or self.cleaned_data)
        schema = cleaned.get("schema")
        is_empty = schema is not None and not schema.get("properties")
        if cleaned.get("finds_data") and is_empty:
            self.add_error("schema", _("Add at least one fact to find."))
        return cleaned

    def plan(self, before: AnalysisPlan | None) -> AnalysisPlan:
        """Return the plan these answers make; what the form does not show is kept."""
        data = self.cleaned_data
        base = before or AnalysisPlan()
        facts = base.structured_data_plan
        messages = _asked_anew(
            facts.messages if facts else (),
            system=data["system_prompt"],
            user=data["user_prompt"],
        )
        structured = None
        if data["schema"].get("properties"):
            structured = StructuredDataPlan(
                enabled=data["finds_data"], schema=data["schema"], messages=messages
            )
        provider, model = split(data["model"])
        return base.model_copy(
            update={
                "provider": provider or None,
                "model": model or None,
                "summary_plan": SummaryPlan(
                    enabled=data["summarises"],
                    messages=_asked_anew(
                        base.summary_plan.messages, user=data["summary_prompt"]
                    ),
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

    facts = structured.messages if structured else ()
    model = joined(plan.provider, plan.model or "") if plan.provider else ""
    return {
        "summarises": plan.summary_plan.enabled,
        "finds_data": structured.enabled if structured else False,
        "schema": structured.json_schema if structured else {},
        "system_prompt": _said(facts, "system"),
        "user_prompt": _said(facts, "user"),
        "summary_prompt": _said(plan.summary_plan.messages, "user"),
        "model": model,
        "evaluates": success.enabled if success else False,
        "criteria": success.criteria if success else "",
        "min_messages_threshold": plan.min_messages_threshold,
    }


def _said(messages: tuple[PromptMessage, ...], role: str) -> str:
    return "\n\n".join(one.content for one in messages if one.role == role)


def _asked_anew(
    messages: tuple[PromptMessage, ...], **texts: str
) -> tuple[PromptMessage, ...]:
    """Return the messages with other texts of these roles; as they were where nothing is new."""
    changed = {
        role: text for role, text in texts.items() if text != _said(messages, role)
    }
    kept = [one for one in messages if one.role not in changed]
    asked = [
        PromptMessage.model_validate({"role": role, "content": text})
        for role, text in changed.items()
        if text
    ]
    # Instructions come before the question, as the model reads them.
    return tuple(sorted([*kept, *asked], key=lambda one: one.role != "system"))
