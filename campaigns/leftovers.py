"""Files of lists that no row leads to any more.

A row is written before its file, but a transaction around both may be rolled back after
all: that of a request with an `Idempotency-Key`, of a process that is killed, of a
campaign that is deleted with its imports. Names hold the moment they were made at, so
the storage need not be asked for ages.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.files.storage import default_storage

from campaigns.models import LeadImport

logger = logging.getLogger(__name__)

FOLDER: Final = "imports"
# Longer than a transaction with a file in it takes.
_YOUNG: Final = timedelta(hours=1)


def sweep_files(now: datetime) -> int:
    """Delete what was left behind, in every organization's scope; return how many."""
    # Files first: an import that begins meanwhile has a file that is too young.
    old = [f"{FOLDER}/{name}" for name in _names() if _is_older(name, now - _YOUNG)]
    known = set(LeadImport.objects.filter(file__in=old).values_list("file", flat=True))
    left = [path for path in old if path not in known]
    for path in left:
        default_storage.delete(path)
    if left:
        logger.info("files of lists were swept", extra={"count": len(left)})
    return len(left)


def _names() -> list[str]:
    try:
        return default_storage.listdir(FOLDER)[1]
    except FileNotFoundError:
        return []


def _is_older(name: str, moment: datetime) -> bool:
    """Whether a UUID of version 7 is; what is none is not ours to delete."""
    try:
        made = UUID(name)
    except ValueError:
        return False
    at_ms = made.int >> 80
    return made.version == 7 and datetime.fromtimestamp(at_ms / 1000, UTC) < moment
