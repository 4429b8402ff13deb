from django.apps import AppConfig

from portal.sealed import also_reseal
from portal.visibility import offer_choices


class AssistantsConfig(AppConfig):
    name = "assistants"

    def ready(self) -> None:
        from assistants.queries import visible_assistants
        from assistants.spec_secrets import reseal_specs

        also_reseal(reseal_specs)
        offer_choices(
            "assistants", lambda: [(str(a.pk), a.name) for a in visible_assistants()]
        )
