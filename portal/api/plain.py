"""Answers of long lists, made into JSON without a schema checking every row.

The schema is in the document all the same, and the tests hold the answers against it.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from pydantic_core import to_json


def plain_answer(data: Any) -> HttpResponse:
    """Return data as JSON: times in ISO 8601 with a Z, ids as text."""
    return HttpResponse(to_json(data), content_type="application/json; charset=utf-8")
