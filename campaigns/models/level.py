"""The base of what holds for an organization and for those below it."""

from __future__ import annotations

from django.db import models

from common.ids import uuid7
from portal.models.owned import ScopedManager


class Levelled(models.Model):
    """A client's row holds for the client, an agency's for all of its clients, and the
    operator's, which belongs to no organization, for everybody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        "portal.Organization", on_delete=models.PROTECT, null=True, related_name="+"
    )
    agency = models.ForeignKey(
        "portal.Organization",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
    )

    objects = ScopedManager()

    class Meta:
        abstract = True

    @property
    def level(self) -> str:
        """Whose it is: `client`, `agency` or `operator`."""
        if self.organization_id is None:
            return "operator"
        return "agency" if self.organization_id == self.agency_id else "client"
