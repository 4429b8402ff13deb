from django.apps import AppConfig

from portal.sealed import also_reseal


class CallsConfig(AppConfig):
    name = "calls"

    def ready(self) -> None:
        from calls.reconciling import add_checks
        from calls.services.own_settings import reseal_own_settings

        add_checks()
        also_reseal(reseal_own_settings)
