"""The embedded database: its role, its data over restarts, its end with its starter."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from config import embedded, postgres

TREE = Path(__file__).resolve().parents[2]
slow = pytest.mark.slow


@pytest.fixture
def folder():
    """A short folder, where any user may reach a folder of its own."""
    path = Path(f"/tmp/portavoce-test-{os.getpid()}-{time.monotonic_ns() % 10**9}")
    path.mkdir(mode=0o755)
    yield path
    subprocess.run(["rm", "-rf", path], check=True)


@pytest.fixture
def server(folder):
    server = postgres.Server(postgres.prepare(folder / "pg", durable=False))
    server.start()
    yield server
    server.stop()


@pytest.mark.django_db
def test_the_role_is_bound_by_row_level_security():
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
        assert cursor.fetchone() == (False, False)


@slow
def test_data_outlives_a_restart(server):
    with psycopg.connect(server.cluster.conninfo()) as db:
        db.execute("create table kept (n int)")
        db.execute("insert into kept values (7)")
    server.stop()
    again = postgres.Server(postgres.prepare(server.cluster.folder, durable=False))
    again.start()
    try:
        with psycopg.connect(again.cluster.conninfo()) as db:
            assert db.execute("select n from kept").fetchone() == (7,)
    finally:
        again.stop()


@slow
def test_nothing_listens_on_the_network(server):
    with psycopg.connect(server.cluster.conninfo()) as db:
        assert db.execute("show listen_addresses").fetchone() == ("",)
    assert server.cluster.folder.stat().st_mode & 0o777 == 0o700


@slow
def test_a_second_start_joins_the_running_server(server):
    second = postgres.Server(postgres.prepare(server.cluster.folder))
    second.start()
    second.stop()
    assert server.cluster.is_ready()


@slow
def test_a_broken_setting_is_told_with_the_log(server):
    server.stop()
    data = server.cluster.folder / "data"
    (data / "postgresql.auto.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(postgres.PostgresError, match="no_such_setting"):
        server.start()


@slow
def test_data_of_another_major_version_is_refused(server):
    server.stop()
    (server.cluster.folder / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(postgres.PostgresError, match="made by PostgreSQL 12"):
        postgres.prepare(server.cluster.folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(folder):
    other = folder / "pg"
    other.mkdir()
    os.chown(other, 65534, 65534)
    with pytest.raises(postgres.PostgresError, match="belongs to another user"):
        postgres.prepare(other)
    assert other.stat().st_uid == 65534


@slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_no_parent_folder_is_opened_to_others(folder):
    private = folder / "private"
    private.mkdir(mode=0o711)
    postgres.prepare(private / "pg", durable=False)
    assert private.stat().st_mode & 0o777 == 0o711
    assert folder.stat().st_mode & 0o777 == 0o755


@slow
def test_the_server_ends_with_a_killed_starter(folder):
    script = (
        "import signal, sys; from pathlib import Path; from config import postgres\n"
        "s = postgres.Server(postgres.prepare(Path(sys.argv[1]), durable=False))\n"
        "s.start(); print(s.process.pid, flush=True); signal.pause()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, folder / "pg"],
        cwd=TREE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    server_id = int(starter.stdout.readline())
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server_id}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_socket_of_a_deep_checkout_gets_a_short_folder(tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    short = embedded.socket_folder(deep)
    try:
        assert len(str(short / ".s.PGSQL.5432")) < 108
        assert short.stat().st_mode & 0o777 == 0o700
        assert embedded.socket_folder(deep) == short
    finally:
        short.rmdir()
    again = embedded.socket_folder(deep)
    again.rmdir()
    assert again != short


def test_a_short_path_keeps_its_socket_beside_the_data():
    assert embedded.socket_folder(Path("/var/x")) == Path("/var/x")
