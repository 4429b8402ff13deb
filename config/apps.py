from django.apps import AppConfig
from django.contrib.staticfiles.apps import StaticFilesConfig


class ConfigApp(AppConfig):
    """Makes the commands and the checks of the composition root known."""

    name = "config"
    default = True

    def ready(self) -> None:
        from config import checks  # noqa: F401 - importing registers them


class StaticFilesApp(StaticFilesConfig):
    """Collects all but htmx's extensions.

    No page uses them, and a type comment in one reads as an import of a file that is
    not there.
    """

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "ext"]
