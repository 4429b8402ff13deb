"""What must hold before a process serves: refused at start, not found in production.

The database checks run with `migrate` and with `check --database default`; those about
hardening with `check --deploy`.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

from portal.sealed import key_ring

_SHORTEST_KEY = 40


@register()
def check_channel_layer(**kwargs: Any) -> list[CheckMessage]:
    """`get_channel_layer` answers None, not an error, when its settings lack a key."""
    if get_channel_layer() is None:
        return [
            Error(
                "The channel layer cannot be built from CHANNEL_LAYERS.",
                hint="channels-postgres wants every key of the database's settings.",
                id="portavoce.E001",
            )
        ]
    return []


@register(Tags.database)
def check_database(
    *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Row-level security must bind our role, and a scope must stay where it was set."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        try:
            found += _check_role(alias) + _check_session(alias)
        except DatabaseError as error:
            found.append(
                Error(
                    f"The database does not answer: {error}".strip(),
                    hint="Is DATABASE_URL right, and does the server run?",
                    id="portavoce.E002",
                )
            )
    return found


def _check_role(alias: str) -> list[CheckMessage]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "select rolsuper, rolbypassrls, rolname"
            " from pg_roles where rolname = current_user"
        )
        is_superuser, is_exempt, name = cursor.fetchone()
    if not (is_superuser or is_exempt):
        return []
    return [
        Error(
            f"The database role {name} is not bound by row-level security.",
            hint="Use a role made with NOSUPERUSER NOBYPASSRLS that owns the database.",
            id="portavoce.E003",
        )
    ]


def _check_session(alias: str) -> list[CheckMessage]:
    """A setting outlives its statement; with a transaction pooler it would leak."""
    value = secrets.token_hex(8)
    with connections[alias].cursor() as cursor:
        cursor.execute("select set_config('app.probe', %s, false)", [value])
        first = _backend(cursor)
        cursor.execute("select current_setting('app.probe', true)")
        (kept,) = cursor.fetchone()
        second = _backend(cursor)
    if kept == value and first == second:
        return []
    return [
        Error(
            "A database setting does not survive into the next statement.",
            hint="Connect directly, or use a pooler in session mode.",
            id="portavoce.E004",
        )
    ]


def _backend(cursor: Any) -> int:
    cursor.execute("select pg_backend_pid()")
    (pid,) = cursor.fetchone()
    return int(pid)


@register(deploy=True)
def check_hardening(**kwargs: Any) -> list[CheckMessage]:
    """What a public installation needs that a checkout does without."""
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < _SHORTEST_KEY:
        found.append(
            Error(
                f"SECRET_KEY is shorter than {_SHORTEST_KEY} characters.",
                hint="python -c 'import secrets; print(secrets.token_urlsafe(50))'",
                id="portavoce.E005",
            )
        )
    try:
        key_ring()
    except (ImproperlyConfigured, ValueError) as error:
        found.append(
            Error(
                f"Secrets cannot be kept: {error}",
                hint="SEALING_KEYS=$(python manage.py sealing_key)",
                id="portavoce.E008",
            )
        )
    if settings.IS_PLAIN_HTTP:
        found.append(
            Error(
                "Cookies travel over plain HTTP.",
                hint="Unset DEBUG and DEMO, and set DATABASE_URL.",
                id="portavoce.E006",
            )
        )
    if settings.BASE_DOMAIN == "localhost":
        found.append(
            Error(
                "BASE_DOMAIN is localhost: no portal has a name.", id="portavoce.E007"
            )
        )
    if not settings.BROKER_URL:
        found.append(
            Warning(
                "Celery's messages are files of this machine.",
                hint="Set BROKER_URL to RabbitMQ or Redis to use more than one.",
                id="portavoce.W001",
            )
        )
    return found
