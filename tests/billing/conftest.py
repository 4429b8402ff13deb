from __future__ import annotations

import pytest

from portal.models import Organization
from tests.billing.books import make_agency, make_client


@pytest.fixture
def acme(db: None) -> Organization:
    """An agency with 100 credits in its pool."""
    return make_agency("Acme", credits=100)


@pytest.fixture
def bakery(acme: Organization) -> Organization:
    """A client of acme with 10 credits."""
    return make_client(acme, "Bakery", credits=10)


@pytest.fixture
def garage(acme: Organization) -> Organization:
    """Another client of acme with 10 credits."""
    return make_client(acme, "Garage", credits=10)


@pytest.fixture
def globex(db: None) -> Organization:
    """Another agency with 100 credits."""
    return make_agency("Globex", credits=100)
