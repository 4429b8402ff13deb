"""Plugins of the test run; `tests.plugins.postgres` is loaded earlier, by pyproject."""

pytest_plugins = ["tests.plugins.servers", "tests.plugins.sharing"]
