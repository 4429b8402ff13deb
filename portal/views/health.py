"""Is this process up, and can it work."""

from __future__ import annotations

from django.db import Error as DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_GET

from portal.permissions import public


@require_GET
@public
def healthz(request: HttpRequest) -> JsonResponse:
    """Up: answers 200 without looking at anything. Open to all, says nothing secret."""
    return JsonResponse({"status": "ok"})


@require_GET
@public
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: 200 when the database answers, else 503. Open to all."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return JsonResponse(
            {"status": "unavailable", "checks": {"database": "down"}}, status=503
        )
    return JsonResponse({"status": "ok", "checks": {"database": "ok"}})
