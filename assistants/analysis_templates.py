"""Analysis templates: what to find out after a call, kept to be copied."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from assistants.analysis_plan import AnalysisPlan
from assistants.models import AnalysisTemplate
from assistants.starters import Starter
from portal.models import Organization, User
from portal.services import audit

DEFAULT_SYSTEM_PROMPT = (
    "You read the transcript of a telephone call and write down facts as JSON. "
    "Use only what was said. Leave out what was not."
)
DEFAULT_USER_PROMPT = (
    "The facts to find, as a JSON Schema:\n{schema}\n\n"
    "The transcript:\n{transcript}\n\nThe call ended because: {ended_reason}"
)


def messages_of(template: AnalysisTemplate) -> list[dict[str, str]]:
    """Return the prompts as messages; none for a template that leaves them to us."""
    prompts = (("system", template.system_prompt), ("user", template.user_prompt))
    return [{"role": role, "content": text} for role, text in prompts if text]


def plan_of(template: AnalysisTemplate) -> AnalysisPlan:
    """Return the plan to put into an assistant."""
    return AnalysisPlan.model_validate(
        {
            "structured_data_plan": {
                "enabled": bool(template.schema.get("properties")),
                "schema": template.schema,
                "messages": messages_of(template),
            },
            "min_messages_threshold": template.min_messages_threshold,
        }
    )


@transaction.atomic
def save_analysis_template(
    *,
    organization: Organization,
    template: AnalysisTemplate | None,
    values: dict[str, Any],
    actor: User | None,
) -> AnalysisTemplate:
    """Keep a template; `values` are its fields, checked."""
    is_new = template is None
    row = template or AnalysisTemplate(organization=organization)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    audit.record(
        organization=organization,
        actor=actor,
        action="analysis_template.created" if is_new else "analysis_template.changed",
        target=row,
        changes={"name": row.name},
    )
    return row


def copy_starter_analysis(
    *, organization: Organization, starter: Starter, actor: User | None
) -> AnalysisTemplate:
    """Put an analysis that comes with the product among one's own."""
    return save_analysis_template(
        organization=organization,
        template=None,
        values={
            "name": starter.name,
            "description": starter.description,
            "schema": starter.object_schema,
        },
        actor=actor,
    )
