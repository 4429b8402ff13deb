"""Walking through long lists without counting what was skipped.

A cursor holds the last row's time and id, so that the next page is one look into the
index, however deep it lies, and rows that come meanwhile move nothing.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet

from portal.api.errors import InvalidRequest

MAX_CHARACTERS: Final = 100
_M = TypeVar("_M", bound=models.Model)


def cursor_after(row: Any) -> str:
    """Return the cursor of what comes after this row."""
    text = f"{row.created_at.astimezone(UTC).isoformat()}|{row.pk}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def after(rows: QuerySet[_M], cursor: str) -> QuerySet[_M]:
    """Narrow a list, newest first, to what comes after the cursor."""
    created_at, pk = _read(cursor)
    # The first condition alone finds the place in the index.
    return rows.filter(
        Q(created_at__lte=created_at)
        & (Q(created_at__lt=created_at) | Q(created_at=created_at, pk__lt=pk))
    )


def _read(cursor: str) -> tuple[datetime, UUID]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        moment, _bar, pk = text.partition("|")
        created_at = datetime.fromisoformat(moment)
        if created_at.tzinfo is None:
            raise ValueError(cursor)
        return created_at, UUID(pk)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise InvalidRequest("This is no cursor of ours.", param="cursor") from error
