from django.apps import AppConfig

from portal.sealed import also_reseal


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal.second_step import reseal_second_steps

        also_reseal(reseal_second_steps)
