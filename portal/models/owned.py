"""The base of every row that belongs to an organization.

Known limit of the managers: following a forward foreign key and `_base_manager` are
not filtered by Django. Row-level security covers them; besides, foreign keys between
owned rows are only set by services that loaded the target through the scope.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import models

from common.ids import uuid7
from portal.scope import Scope, require_scope

_M = TypeVar("_M", bound=models.Model, covariant=True)


class ForeignRow(RuntimeError):
    """A row of another organization than the active one was about to be written."""


def scope_filter(scope: Scope) -> dict[str, Any]:
    """Return the filter of an owned table for a scope."""
    if scope.is_everything:
        return {}
    if scope.organization_id is None:
        return {"agency_id": scope.agency_id}
    return {"agency_id": scope.agency_id, "organization_id": scope.organization_id}


class ScopedManager(models.Manager[_M]):
    """Give only the active scope's rows; raise `NoActiveScope` when there is none.

    Even `.none()` raises, so a form gets its querysets in `__init__`, inside a request.
    """

    def get_queryset(self) -> models.QuerySet[_M]:
        return super().get_queryset().filter(**scope_filter(require_scope()))


class Owned(models.Model):
    """A row of an organization; its agency stands beside it so that both are one filter."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "portal.Organization", on_delete=models.PROTECT, related_name="+"
    )
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )

    objects = ScopedManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse a row outside the active scope; fill in the agency."""
        if self.agency_id is None:
            self.agency_id = self.organization.agency_id
        scope = require_scope()
        wanted = scope_filter(scope)
        if any(getattr(self, name) != value for name, value in wanted.items()):
            raise ForeignRow(f"{type(self).__name__} belongs to another organization.")
        super().save(*args, **kwargs)


class Logged(Owned):
    """A row for every event there is: never looked for by its owner alone.

    An index is written with each row, so that its owner has none of its own.
    """

    organization = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        db_index=False,
    )

    class Meta:
        abstract = True
