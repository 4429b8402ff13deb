"""Finding assistants; the only way a view gets one from user input."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from assistants.models import Assistant
from portal.visibility import sight


def visible_assistants() -> QuerySet[Assistant]:
    """Return the scope's assistants that were not deleted, with their current version.

    Only those the person at hand may see, where their place in the team says so.
    """
    rows = Assistant.objects.filter(deleted_at__isnull=True).select_related(
        "current_version"
    )
    if (seen := sight().assistants) is not None:
        rows = rows.filter(pk__in=seen)
    return rows


def get_assistant(assistant_id: UUID) -> Assistant:
    """Return one; absent, deleted and another organization's are the same 404."""
    assistant = visible_assistants().filter(pk=assistant_id).first()
    if assistant is None:
        raise Http404("No such assistant.")
    return assistant
