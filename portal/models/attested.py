"""Rows that show it when somebody changed them behind our back."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models

from portal.models.owned import Owned


class Attested(Owned):
    """A row with a digest over what it says: `attested` names its fields, in order.

    Whoever can write the table can write the digest too; what a certificate handed out
    says can still be held against the row.
    """

    attested: ClassVar[tuple[str, ...]]

    digest = models.CharField(max_length=64)

    class Meta:
        abstract = True

    def computed_digest(self) -> str:
        """Return SHA-256 over what the row says, in one canonical form."""
        said = [_plain(getattr(self, name)) for name in self.attested]
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_intact(self) -> bool:
        return self.digest == self.computed_digest()


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, datetime) else value
