"""What a key may do is what its role may, as far as its scopes reach."""

from __future__ import annotations

import pytest

from portal.api_scopes import SCOPES, allowed, exceeds
from portal.permissions import Permission


def test_write_is_everything_and_read_is_every_reading() -> None:
    assert allowed(["write"]) == frozenset(Permission)
    reading = allowed(["read"])
    assert Permission.CALLS_READ in reading
    assert {one.value.partition(":")[2] for one in reading} == {"read"}


def test_one_resource_is_opened_and_no_other() -> None:
    assert allowed(["calls:read"]) == {Permission.CALLS_READ}
    assert allowed(["calls:write"]) >= {
        Permission.CALLS_READ,
        Permission.CALLS_START,
        Permission.CALLS_CONTROL,
    }
    assert Permission.ASSISTANTS_READ not in allowed(["calls:write"])
    assert allowed([]) == frozenset()


@pytest.mark.parametrize(
    ("wanted", "held", "is_more"),
    [
        (["read"], ["write"], False),
        (["write"], ["read"], True),
        (["calls:write"], ["calls:read"], True),
        (["calls:read"], ["read"], False),
    ],
)
def test_more_is_known(wanted: list[str], held: list[str], is_more: bool) -> None:
    assert exceeds(wanted, held) is is_more


def test_every_right_is_reached_by_a_scope_of_its_own() -> None:
    resources = [scope for scope in SCOPES if ":" in scope]
    assert allowed(resources) == frozenset(Permission)
