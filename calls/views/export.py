"""The list of calls as a file, however many there are."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.views.decorators.http import require_GET

from calls.exporting import MAX_ROWS, calls_file
from calls.forms import CallFilterForm
from calls.queries import filter_calls, visible_calls
from portal.http import MemberRequest
from portal.permissions import Permission, requires


@require_GET
@requires(Permission.CALLS_READ)
def call_export(request: MemberRequest) -> StreamingHttpResponse:
    """Every call that the same filters would list, newest first, as CSV."""
    form = CallFilterForm(request.GET or None)
    chosen = form.chosen() if form.is_bound else {}
    calls = filter_calls(
        visible_calls(), time_zone=request.organization.time_zone, **chosen
    )
    return calls_file(calls[:MAX_ROWS])
