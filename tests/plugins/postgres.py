"""A throwaway PostgreSQL for one test run, up before Django reads its settings.

Loaded with `-p` (see pyproject.toml): a conftest would come too late. Everything the
run writes lives in one temporary folder, removed at the end, also after Ctrl-C. Only
the cluster as the migrations leave it is kept for the next run; see `migrated`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from config import postgres
from tests.plugins import migrated

_CLUSTER = pytest.StashKey[postgres.Cluster]()
_RESTORED = pytest.StashKey[bool]()


SERVER = pytest.StashKey[postgres.Server]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, object, object]:
    # With `-n` this process only hands out tests; each of the others has a server.
    is_one_of_many = "PYTEST_XDIST_WORKER" in os.environ
    hands_out = early_config.known_args_namespace.numprocesses and not is_one_of_many
    if not hands_out and not {"-h", "--help", "-V", "--version"}.intersection(args):
        _start(early_config)
    return (yield)


def _start(config: pytest.Config) -> None:
    # /tmp and not $TMPDIR: root's server runs as another user, which must get in.
    folder = Path(tempfile.mkdtemp(prefix="portavoce-test-", dir="/tmp"))
    folder.chmod(0o755)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    try:
        restored = migrated.restore(folder / "pg" / "data")
        server = postgres.Server(postgres.prepare(folder / "pg", durable=False))
        config.add_cleanup(server.stop)
        server.start()
        config.stash[SERVER] = server
    except postgres.PostgresError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[_CLUSTER], config.stash[_RESTORED] = server.cluster, restored
    os.environ["DATABASE_URL"] = server.cluster.conninfo()
    # WhiteNoise warns where no static files were collected.
    (folder / "var" / "static").mkdir(parents=True)
    os.environ["VAR_DIR"] = str(folder / "var")
    os.environ["SECRET_KEY"] = "tests only"
    os.environ["DEMO"] = "1"


def pytest_configure(config: pytest.Config) -> None:
    if config.stash.get(_RESTORED, False):
        config.option.reuse_db = True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    result = yield
    if fixturedef.argname == "django_db_setup" and not request.config.stash[_RESTORED]:
        migrated.keep(request.config.stash[_CLUSTER])
    return result
