"""The same rows as JSON from a view that does nothing else, in Django's own handler."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from bench.figures import percentile

Round = Callable[[float], tuple[float, float | None]]
_SHOWN: Final = (
    "id",
    "caller_number",
    "other_number",
    "status",
    "direction",
    "end_reason",
    "error",
    "started_at",
    "ended_at",
    "billed_seconds",
    "duration_ms",
    "setup_ms",
    "summary",
    "assistant_id",
    "number_id",
    "cost_microcredits",
    "created_at",
    "updated_at",
)


def timed(ask: Callable[[], Any], seconds: float) -> tuple[float, float | None]:
    """Return requests a second and the 95th percentile in milliseconds."""
    for _ in range(5):
        ask()
    begin = time.perf_counter()
    times = []
    while time.perf_counter() - begin < seconds:
        started = time.perf_counter()
        ask()
        times.append((time.perf_counter() - started) * 1000)
    return len(times) / (time.perf_counter() - begin), percentile(times, 0.95)


def bare_rounds(
    organization: Any,
) -> dict[str, Round]:
    """The same rows as JSON from a view that does nothing else."""
    from django.http import HttpRequest, HttpResponse, JsonResponse
    from django.test import Client, override_settings
    from django.urls import path

    from assistants.queries import visible_assistants
    from calls.api.calls import listed_calls
    from portal.scope import organization_scope

    def assistants(request: HttpRequest) -> HttpResponse:
        with organization_scope(organization):
            rows = [
                {
                    "id": row.pk,
                    **(row.current_version.spec_json if row.current_version else {}),
                    "is_active": row.is_active,
                    "created_at": row.created_at,
                    "updated_at": row.updated_at,
                }
                for row in visible_assistants()
            ]
        return JsonResponse({"assistants": rows})

    def calls(request: HttpRequest) -> HttpResponse:
        with organization_scope(organization):
            rows = [
                {name: getattr(row, name) for name in _SHOWN}
                | {"agent_name": row.assistant.name if row.assistant else None}
                | {"assistant_phone": row.number.number if row.number else None}
                for row in listed_calls()[:100]
            ]
        return JsonResponse({"calls": rows})

    class Urls:
        urlpatterns = [path("assistants", assistants), path("calls", calls)]

    client = Client(SERVER_NAME="localhost")

    def asking(name: str) -> Callable[[], Any]:
        def ask() -> Any:
            answer = client.get(f"/{name}")
            assert answer.status_code == 200
            return answer

        return ask

    bare = override_settings(MIDDLEWARE=[], ROOT_URLCONF=Urls)
    return {name: _within(bare, asking(name)) for name in ("assistants", "calls")}


def _within(settings: Any, ask: Callable[[], Any]) -> Round:
    """Return `ask` as a round that enters other settings once, not for every request."""

    def round_of(seconds: float) -> tuple[float, float | None]:
        with settings:
            return timed(ask, seconds)

    return round_of
