"""A client of the API: a test client that carries a key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from portal.models import Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from tests.world import House


class ApiClient:
    """Sends JSON with a key to the API of a house's portal."""

    def __init__(self, house: House, key: str | None = None) -> None:
        if key is None:
            with organization_scope(house.organization):
                _row, key = issue_key(
                    organization=house.organization, name="Test", actor=None
                )
        self.house = house
        self.key = key
        self.client = Client(SERVER_NAME=house.host, HTTP_AUTHORIZATION=f"Bearer {key}")

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        extra: Any = {
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in headers.items()
        }
        if not path.startswith("/api/"):
            path = f"/api/v1{path}"
        data = "" if body is None else json.dumps(body)
        return self.client.generic(
            method, path, data, content_type="application/json", **extra
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, **headers)

    def send_file(self, path: str, content: bytes, **fields: str) -> Any:
        file = SimpleUploadedFile(fields.pop("name", "people.csv"), content)
        key = fields.pop("idempotency_key", None)
        extra: Any = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        return self.client.post(f"/api/v1{path}", {"file": file, **fields}, **extra)

    def patch(self, path: str, body: Any) -> Any:
        return self.send("PATCH", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self.send("DELETE", path)


def key_of(house: House, role: Role) -> ApiClient:
    """Return a client whose key has a role's rights."""
    with organization_scope(house.organization):
        _row, text = issue_key(
            organization=house.organization, name="Team key", actor=None, role=role
        )
    return ApiClient(house, text)


@pytest.fixture
def bakery_api(bakery: House) -> ApiClient:
    return ApiClient(bakery)


@pytest.fixture
def acme_api(acme: House) -> ApiClient:
    return ApiClient(acme)


@pytest.fixture
def acme_owner(acme: House) -> ApiClient:
    """A key with the rights of the agency's owner."""
    return key_of(acme, Role.OWNER)


@pytest.fixture
def garage_api(garage: House) -> ApiClient:
    return ApiClient(garage)
