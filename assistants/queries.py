"""Finding assistants; the only way a view gets one from user input."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from assistants.models import Assistant


def visible_assistants() -> QuerySet[Assistant]:
    """Return the scope's assistants that were not deleted, with their current version."""
    return Assistant.objects.filter(deleted_at__isnull=True).select_related(
        "current_version"
    )


def get_assistant(assistant_id: UUID) -> Assistant:
    """Return one; absent, deleted and another organization's are the same 404."""
    assistant = visible_assistants().filter(pk=assistant_id).first()
    if assistant is None:
        raise Http404("No such assistant.")
    return assistant
