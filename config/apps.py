from django.apps import AppConfig


class ConfigApp(AppConfig):
    """Makes the commands and the checks of the composition root known."""

    name = "config"

    def ready(self) -> None:
        from config import checks  # noqa: F401 - importing registers them
