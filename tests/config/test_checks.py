"""The system checks: each refuses what it was made for and nothing else."""

import pytest
from django.core.checks import run_checks
from django.db import connections

from config import checks


def ids(found) -> list[str]:
    return [message.id for message in found]


@pytest.mark.django_db
def test_a_right_database_passes():
    assert checks.check_database(databases=["default"]) == []


def test_no_database_is_asked_unless_it_is_named():
    assert checks.check_database(databases=None) == []


def test_a_superuser_is_refused(django_db_blocker):
    with django_db_blocker.unblock():
        copy = connections["default"].copy()
        copy.settings_dict = copy.settings_dict | {
            "USER": "postgres",
            "NAME": "postgres",
        }
        before = connections["default"]
        connections["default"] = copy
        try:
            found = checks.check_database(databases=["default"])
        finally:
            connections["default"] = before
            copy.close()
    assert ids(found) == ["portavoce.E003"]


def test_a_database_that_does_not_answer_is_an_error_not_a_crash(django_db_blocker):
    with django_db_blocker.unblock():
        copy = connections["default"].copy()
        copy.settings_dict = copy.settings_dict | {"HOST": "/nowhere"}
        before = connections["default"]
        connections["default"] = copy
        try:
            found = checks.check_database(databases=["default"])
        finally:
            connections["default"] = before
    assert ids(found) == ["portavoce.E002"]


class Shuffling:
    """A cursor that loses settings between statements, as a transaction pooler does."""

    def __init__(self, cursor):
        self._cursor = cursor

    def __enter__(self):
        self._cursor.__enter__()
        return self

    def __exit__(self, *error):
        return self._cursor.__exit__(*error)

    def execute(self, statement, params=None):
        self._cursor.execute("reset all")
        return self._cursor.execute(statement, params)

    def fetchone(self):
        return self._cursor.fetchone()


@pytest.mark.django_db
def test_a_pooler_in_transaction_mode_is_refused(monkeypatch):
    connection = connections["default"]
    plain = connection.cursor
    monkeypatch.setattr(connection, "cursor", lambda: Shuffling(plain()))
    assert ids(checks.check_database(databases=["default"])) == ["portavoce.E004"]


def test_a_channel_layer_that_cannot_be_built_is_refused(settings):
    settings.CHANNEL_LAYERS = {}
    assert ids(checks.check_channel_layer()) == ["portavoce.E001"]


def test_a_public_installation_must_be_hardened(settings):
    settings.SECRET_KEY = "short"
    settings.SEALING_KEYS = ""
    settings.IS_PLAIN_HTTP = True
    settings.BASE_DOMAIN = "localhost"
    settings.BROKER_URL = ""
    assert ids(checks.check_hardening()) == [
        "portavoce.E005",
        "portavoce.E008",
        "portavoce.E006",
        "portavoce.E007",
        "portavoce.W001",
    ]


def test_a_hardened_installation_passes(settings):
    settings.SECRET_KEY = "k" * 50
    settings.IS_PLAIN_HTTP = False
    settings.BASE_DOMAIN = "voice.example"
    settings.BROKER_URL = "amqp://broker"
    assert checks.check_hardening() == []


def test_hardening_is_asked_for_at_deployment_only():
    everyday = ids(run_checks())
    assert not {"portavoce.E005", "portavoce.E006", "portavoce.E007"} & set(everyday)
