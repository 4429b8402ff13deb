"""Rows of one organization are out of another's reach, by two walls."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.db.models import Count

from assistants.models import Assistant
from assistants.services import create_assistant
from calls.models import Call
from portal.models import ForeignRow, Organization
from portal.scope import (
    NoActiveScope,
    agency_scope,
    all_organizations,
    organization_scope,
)
from tests.world import House, desk_spec


@pytest.mark.parametrize(
    "look",
    [
        lambda: list(Assistant.objects.all()),
        lambda: Assistant.objects.exists(),
        lambda: Assistant.objects.count(),
        lambda: Assistant.objects.first(),
        lambda: Assistant.objects.none(),
        lambda: Assistant.objects.in_bulk(),
        lambda: Assistant.objects.exclude(name="x"),
        lambda: Assistant.objects.aggregate(Count("pk")),
        lambda: Assistant.objects.update(name="x"),
        lambda: Organization.objects.exists(),
    ],
)
def test_a_query_with_no_scope_raises(acme: House, look) -> None:
    with pytest.raises(NoActiveScope):
        look()


def test_async_iteration_with_no_scope_raises(acme: House) -> None:
    async def walk() -> None:
        async for _ in Assistant.objects.all():
            pass

    with pytest.raises(NoActiveScope):
        async_to_sync(walk)()


def test_an_organization_sees_only_itself(bakery: House, garage: House) -> None:
    with organization_scope(bakery.organization):
        assert list(Assistant.objects.all()) == [bakery.assistant]
        assert list(Organization.objects.all()) == [bakery.organization]
        assert not Assistant.objects.filter(pk=garage.assistant.pk).exists()


def test_an_agency_scope_sees_its_clients_and_no_other(
    acme: House, bakery: House, garage: House
) -> None:
    with agency_scope(acme.organization.pk):
        assert set(Assistant.objects.all()) == {acme.assistant, bakery.assistant}
        assert set(Organization.objects.all()) == {
            acme.organization,
            bakery.organization,
        }


def test_the_database_hides_what_the_filter_missed(
    bakery: House, garage: House
) -> None:
    with organization_scope(bakery.organization):
        assert list(Assistant._base_manager.all()) == [bakery.assistant]
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from assistants_assistant")
            assert cursor.fetchone() == (1,)
            cursor.execute(
                "update assistants_assistant set name = 'stolen' where id = %s",
                [garage.assistant.pk],
            )
            assert cursor.rowcount == 0


def test_the_database_shows_nothing_with_no_scope(bakery: House) -> None:
    assert not Assistant._base_manager.exists()


def test_the_database_refuses_to_insert_for_another(
    bakery: House, garage: House
) -> None:
    row = Assistant(
        organization=garage.organization, agency_id=garage.organization.agency_id
    )
    with (
        organization_scope(bakery.organization),
        pytest.raises(Exception, match="row-level security"),
        transaction.atomic(),
    ):
        Assistant.objects.bulk_create([row])


def test_saving_another_organizations_row_raises(bakery: House, garage: House) -> None:
    with organization_scope(bakery.organization):
        garage.assistant.name = "Mine now"
        with pytest.raises(ForeignRow):
            garage.assistant.save()
        with pytest.raises(ForeignRow):
            create_assistant(
                organization=garage.organization, spec=desk_spec(), actor=None
            )


def test_a_rollback_does_not_leave_the_scope_before_it_in_force(
    bakery: House, garage: House
) -> None:
    with organization_scope(bakery.organization):
        assert Assistant._base_manager.count() == 1
    with organization_scope(garage.organization):
        with transaction.atomic():
            assert Assistant._base_manager.get() == garage.assistant
            transaction.set_rollback(True)
        assert Assistant._base_manager.get() == garage.assistant


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_rollback_outside_a_transaction_is_seen_too(
    bakery: House, garage: House
) -> None:
    with organization_scope(garage.organization):
        with transaction.atomic():
            assert Call._base_manager.count() == 0
            transaction.set_rollback(True)
        assert Assistant._base_manager.get() == garage.assistant
    with organization_scope(bakery.organization):
        assert Assistant._base_manager.get() == bakery.assistant


def test_all_organizations_wants_a_reason() -> None:
    with pytest.raises(ValueError, match="why"), all_organizations(""):
        pass


def test_every_owned_table_has_row_level_security(db: None) -> None:
    from tests.portal.test_isolation import owned_models

    # What Stripe sent has an agency and, about the platform's own account, not even that.
    tables = {model._meta.db_table for model in owned_models()} | {
        "billing_stripeevent"
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relrowsecurity and relforcerowsecurity"
        )
        assert tables == {row[0] for row in cursor.fetchall()}
