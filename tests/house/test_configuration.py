"""What is read from the environment is documented, and what is enqueued exists."""

from pathlib import Path

from config.celery import QUEUES, app
from config.env import REGISTRY
from config.management.commands.env_docs import example, with_table

TREE = Path(__file__).resolve().parents[2]


def test_env_example_holds_every_variable():
    assert (TREE / ".env.example").read_text() == example(), "run `make env-docs`"


def test_readme_documents_every_variable():
    readme = (TREE / "README.md").read_text()
    assert with_table(readme) == readme, "run `make env-docs`"


def test_every_variable_says_what_it_is_for():
    assert [name for name, variable in REGISTRY.items() if not variable.help] == []


def test_every_tick_names_a_task_and_a_queue_that_exist():
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["queue"] in QUEUES


def test_a_tick_expires_when_its_next_one_is_due():
    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["expires"] == entry["schedule"]


def test_every_task_goes_to_a_queue_a_worker_serves():
    app.loader.import_default_modules()
    ours = [name for name in app.tasks if not name.startswith("celery.")]
    assert ours
    routed = {app.amqp.router.route({}, name)["queue"].name for name in ours}
    assert routed <= set(QUEUES)


def test_no_lock_names_a_registry():
    for lock in TREE.glob("requirements*.txt"):
        assert "://" not in lock.read_text(), lock.name
