"""Finding assistants; the only way a view gets one from user input."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

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


def name_of_copy(assistant: Assistant) -> str:
    """Return what a copy is called: a name that no other assistant of the scope has."""
    taken = set(visible_assistants().values_list("name", flat=True))
    number = 1
    while True:
        given = {"name": assistant.name[:100], "number": number}
        name = (
            _("%(name)s (copy)") % given
            if number == 1
            else _("%(name)s (copy %(number)s)") % given
        )
        if name not in taken:
            return name
        number += 1
