"""Every page and every API operation says who may open it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from config.api import api
from portal.permissions import Permission

# Pages of libraries, which guard themselves.
OF_LIBRARIES = ("accounts/", "ops/")


def patterns(
    resolver: URLResolver, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        else:
            yield path, entry


@pytest.mark.parametrize("urlconf", ["config.urls", "config.operator_urls"])
def test_every_view_declares_who_may_open_it(urlconf: str) -> None:
    undeclared = []
    for path, pattern in patterns(get_resolver(urlconf)):
        if path.startswith(OF_LIBRARIES) and pattern.name != "styleguide":
            continue
        if path.startswith("api/v1/"):
            continue
        access: Any = getattr(pattern.callback, "access", None)
        if not (
            isinstance(access, Permission) or access in ("public", "signed_in", "staff")
        ):
            undeclared.append(path)
    assert undeclared == []


def test_every_api_operation_declares_its_right() -> None:
    undeclared = [
        f"{operation.methods} {prefix}{path}"
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        if not hasattr(operation.view_func, "access")
    ]
    assert undeclared == []


def test_every_public_view_says_why_it_is_public() -> None:
    silent = [
        path
        for path, pattern in patterns(get_resolver("config.urls"))
        if getattr(pattern.callback, "access", None) == "public"
        and not (pattern.callback.__doc__ or "").strip()
    ]
    assert silent == []
