"""What templates of tools and of analyses have in common: found, searched, forgotten."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import Http404

from assistants.models import AnalysisTemplate, ToolTemplate
from portal.models import User
from portal.services import audit

Kept = TypeVar("Kept", ToolTemplate, AnalysisTemplate)


def get_template(kind: type[Kept], template_id: UUID) -> Kept:
    """Return one of the scope's; absent and another's are the same 404."""
    template = kind.objects.filter(pk=template_id).first()
    if template is None:
        raise Http404(f"No such {kind._meta.verbose_name}.")
    return template


def search_templates(kind: type[Kept], words: str) -> QuerySet[Kept]:
    """Return the scope's templates whose name or description has these words."""
    rows = kind.objects.all()
    words = words.replace("\x00", "").strip()[:100]
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(description__icontains=words))
    return rows


@transaction.atomic
def delete_template(
    *, template: ToolTemplate | AnalysisTemplate, actor: User | None
) -> None:
    """Forget a template; assistants keep their copies."""
    is_tool = isinstance(template, ToolTemplate)
    audit.record(
        organization=template.organization,
        actor=actor,
        action="tool_template.deleted" if is_tool else "analysis_template.deleted",
        target=template,
        changes={"name": template.name},
    )
    template.delete()
