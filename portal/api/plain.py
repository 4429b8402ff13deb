"""Answers of long lists, made into JSON without a schema checking every row.

The schema is in the document all the same, and the tests hold the answers against it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse


def plain_answer(data: Any) -> HttpResponse:
    """Return data as JSON: times in ISO 8601 with a Z, ids as text."""
    body = json.dumps(data, default=_text, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(body, content_type="application/json; charset=utf-8")


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON.")
