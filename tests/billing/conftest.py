from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from portal.models import Organization
from tests.billing.books import make_agency, make_client
from tests.billing.stripe_world import Till, open_till, put_on_offer
from tests.fakes.stripe_server import StripeServer


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


@pytest.fixture
def stripe_server(settings: Any) -> Iterator[StripeServer]:
    """Stripe, on this machine."""
    with StripeServer() as server:
        settings.STRIPE_API_BASE = server.url
        yield server


@pytest.fixture
def till(stripe_server: StripeServer, acme: Organization, bakery: Organization) -> Till:
    """The bakery, about to buy a package of its agency."""
    open_till(acme)
    return Till(stripe_server, bakery, put_on_offer(acme))
