"""What a key may do, as words: everything, only reading, or resource by resource.

write              everything its role may do
read               reading everything its role may read
calls:read         reading one resource
calls:write        reading and changing it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from portal.permissions import Permission

READ: Final = "read"
WRITE: Final = "write"


def _resource(permission: Permission) -> str:
    return permission.value.partition(":")[0]


def _is_read(permission: Permission) -> bool:
    return permission.value.endswith(":read")


RESOURCES: Final = tuple(sorted({_resource(one) for one in Permission}))
SCOPES: Final = (
    READ,
    WRITE,
    *(f"{resource}:{verb}" for resource in RESOURCES for verb in (READ, WRITE)),
)


def allowed(scopes: Iterable[str]) -> frozenset[Permission]:
    """Return every right these scopes give, whatever the role may do."""
    given = frozenset(scopes)
    return frozenset(
        one
        for one in Permission
        if WRITE in given
        or f"{_resource(one)}:{WRITE}" in given
        or (_is_read(one) and ({READ, f"{_resource(one)}:{READ}"} & given))
    )


def scope_for(permission: Permission) -> str:
    """Return the narrowest scope that gives a right."""
    verb = READ if _is_read(permission) else WRITE
    return f"{_resource(permission)}:{verb}"


def exceeds(wanted: Iterable[str], held: Iterable[str]) -> bool:
    """Whether scopes give more than others do."""
    return not allowed(wanted) <= allowed(held)
