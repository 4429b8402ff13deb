"""Amounts that an agency chooses for what it sells, and who may choose them."""

from __future__ import annotations

from typing import Annotated

from django.core.exceptions import PermissionDenied
from pydantic import Field

from portal.http import KeyRequest
from portal.models import Organization

AnyCredits = Annotated[
    str,
    Field(max_length=20, pattern=r"^\d{1,8}(\.\d{1,6})?$", examples=["1.50"]),
]
Cents = Annotated[int, Field(ge=50, le=100_000_000)]
Days = Annotated[int, Field(ge=1, le=3650)]


def agency_of(request: KeyRequest) -> Organization:
    """Return the agency that the key belongs to; a client sells nothing."""
    agency = request.organization
    if not agency.is_agency:
        raise PermissionDenied("Only an agency sells; this key belongs to a client.")
    return agency
