"""Nobody reaches another organization's rows, however they ask: two houses, many tries.

Each try picks a table, a row of the other side and a way to get at it, the ways round
the first wall included: raw SQL, `_base_manager`, a forward key, an insert, a delete.
`ISOLATION_TRIES` asks for more than the suite makes.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.db.utils import DatabaseError
from django.test import Client

from calls.models import VoiceNode
from config.api import api
from portal.models import ForeignRow, Organization, Owned
from portal.scope import Scope, all_organizations, organization_scope, scoped
from portal.services.api_keys import issue_key
from tests.portal.objects import make_objects
from tests.world import House

TRIES = int(os.environ.get("ISOLATION_TRIES", "4000"))
Row = tuple[type[models.Model], Any]


def owned_models() -> list[type[models.Model]]:
    """Every table with an owner, those without the base class too."""
    return [
        model
        for model in apps.get_models()
        if not model._meta.proxy
        and {"organization", "agency"} <= {f.name for f in model._meta.fields}
    ]


def rows_of(house: House) -> list[Row]:
    with all_organizations("test"):
        return [
            (model, pk)
            for model in owned_models()
            for pk in model._base_manager.filter(
                organization=house.organization
            ).values_list("pk", flat=True)
        ]


def _by_manager(model: Any, pk: Any) -> bool:
    return bool(model._default_manager.filter(pk=pk).exists())


def _by_base_manager(model: Any, pk: Any) -> bool:
    return model._base_manager.filter(pk=pk).first() is not None


def _by_values(model: Any, pk: Any) -> bool:
    return pk in set(model._base_manager.values_list("pk", flat=True))


def _by_count(model: Any, pk: Any) -> bool:
    return bool(model._base_manager.filter(pk=pk).count())


def _by_exclusion(model: Any, pk: Any) -> bool:
    return model._base_manager.exclude(pk=None).filter(pk__in=[pk]).exists()


def _by_sql(model: Any, pk: Any) -> bool:
    meta = model._meta
    with connection.cursor() as cursor:
        cursor.execute(
            f'select 1 from "{meta.db_table}" where "{meta.pk.column}" = %s', [pk]
        )
        return cursor.fetchone() is not None


def _by_refresh(model: Any, pk: Any) -> bool:
    try:
        model(pk=pk).refresh_from_db()
    except model.DoesNotExist:
        return False
    return True


def _by_lock(model: Any, pk: Any) -> bool:
    rows = model._base_manager.select_for_update(of=("self",)).filter(pk=pk)
    return rows.first() is not None


def _by_update(model: Any, pk: Any) -> bool:
    return bool(model._base_manager.filter(pk=pk).update(agency_id=None))


def _by_sql_update(model: Any, pk: Any) -> bool:
    meta = model._meta
    with connection.cursor() as cursor:
        cursor.execute(
            f'update "{meta.db_table}" set "{meta.pk.column}" = "{meta.pk.column}" '
            f'where "{meta.pk.column}" = %s',
            [pk],
        )
        return bool(cursor.rowcount)


def _by_sql_delete(model: Any, pk: Any) -> bool:
    meta = model._meta
    with connection.cursor() as cursor:
        cursor.execute(
            f'delete from "{meta.db_table}" where "{meta.pk.column}" = %s', [pk]
        )
        return bool(cursor.rowcount)


WAYS: tuple[Callable[[Any, Any], bool], ...] = (
    _by_manager,
    _by_base_manager,
    _by_values,
    _by_count,
    _by_exclusion,
    _by_sql,
    _by_refresh,
    _by_lock,
    _by_update,
    _by_sql_update,
    _by_sql_delete,
)


@pytest.fixture
def sides(bakery: House, garage: House, node: VoiceNode) -> tuple[House, House]:
    """Two clients of two agencies, each with one of everything."""
    for house in (bakery, garage):
        make_objects(house)
    return bakery, garage


@pytest.mark.slow
def test_no_way_leads_to_the_other_side(
    sides: tuple[House, House], acme: House, globex: House
) -> None:
    bakery, garage = sides
    scopes: list[tuple[Scope, list[Row]]] = []
    for house, agency, other in ((bakery, acme, garage), (garage, globex, bakery)):
        organization = house.organization
        foreign = rows_of(other)
        scopes += [
            (Scope(organization.agency_id, organization.pk), foreign),
            (Scope(agency.organization.pk, None), foreign),
        ]
    # A client does not see its agency's rows either, nor a neighbour's.
    own_agency = rows_of(acme)
    scopes.append((Scope(acme.organization.pk, bakery.organization.pk), own_agency))
    before = {house.portal.slug: len(rows_of(house)) for house in sides}
    chance = random.Random(20_261_126)
    kinds: set[str] = set()
    for _ in range(TRIES):
        scope, foreign = chance.choice(scopes)
        model, pk = chance.choice(foreign)
        way = chance.choice(WAYS)
        with scoped(scope), transaction.atomic():
            reached = _tried(way, model, pk)
            transaction.set_rollback(True)
        assert not reached, f"{way.__name__} reached {model.__name__} from {scope}"
        kinds.add(model.__name__)
    assert len(kinds) > 15, kinds
    assert {house.portal.slug: len(rows_of(house)) for house in sides} == before


def _tried(way: Callable[[Any, Any], bool], model: Any, pk: Any) -> bool:
    """Whether a way led there; being refused aloud is as good as finding nothing."""
    try:
        with transaction.atomic():
            return way(model, pk)
    except (DatabaseError, ForeignRow):
        return False


@pytest.mark.slow
def test_no_row_is_written_into_the_other_side(sides: tuple[House, House]) -> None:
    """A copy of each row of the other side, put there again under a new id."""
    bakery, garage = sides
    tried = 0
    for model, pk in rows_of(garage):
        with all_organizations("test"):
            row = model._base_manager.get(pk=pk)
            count = model._base_manager.count()
        row.pk = None
        row._state.adding = True
        if isinstance(model._meta.pk, models.UUIDField):
            row.pk = UUID(int=random.Random(str(pk)).getrandbits(128))
        with organization_scope(bakery.organization), transaction.atomic():
            with pytest.raises((DatabaseError, ForeignRow)), transaction.atomic():
                model._base_manager.bulk_create([row])
            transaction.set_rollback(True)
        with all_organizations("test"):
            assert model._base_manager.count() == count
        tried += 1
    assert tried > 15


def test_every_owned_table_stands_behind_the_second_wall(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class where relrowsecurity and relforcerowsecurity"
        )
        walled = {name for (name,) in cursor.fetchall()}
    tables = {
        model._meta.db_table
        for model in owned_models()
        if issubclass(model, Owned) or model is not Organization
    }
    assert tables - walled == set()


# -- over the API -------------------------------------------------------------------------


def operations() -> list[tuple[str, str]]:
    """Every method and path of the API that names an object."""
    return [
        (method, prefix + path)
        for prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        if "{" in prefix + path
    ]


@pytest.mark.slow
def test_no_operation_of_the_api_knows_the_other_sides_objects(
    bakery: House, garage: House, node: VoiceNode, settings: Any
) -> None:
    settings.API_RATE_PER_MINUTE = 1_000
    objects = make_objects(garage)
    before = rows_of(garage)
    with organization_scope(bakery.organization):
        _row, key = issue_key(organization=bakery.organization, name="T", actor=None)
    client = Client(SERVER_NAME=bakery.host, headers={"authorization": f"Bearer {key}"})
    answers = {}
    for method, path in operations():
        address = "/api/v1"
        for part in path.split("/"):
            if part:
                name = part.strip("{}").partition(":")[2] or part.strip("{}")
                is_object = part.startswith("{")
                value = objects.get(name, objects["call_id"]) if is_object else part
                address += f"/{value}"
        if method == "POST" and path.endswith(
            ("/imports", "/imports/preview", "/pictures/{kind}")
        ):
            answer = client.post(
                address, {"file": io.BytesIO(b"Phone\n+31612345678\n")}
            )
        else:
            answer = client.generic(
                method, address, data="{}", content_type="application/json"
            )
        answers[method, path] = answer.status_code
        assert "Garage" not in answer.content.decode()
    reached = {at: code for at, code in answers.items() if code not in (400, 404, 403)}
    assert reached == {}
    assert rows_of(garage) == before
