from django.apps import AppConfig

from portal.visibility import offer_choices


class AssistantsConfig(AppConfig):
    name = "assistants"

    def ready(self) -> None:
        from assistants.queries import visible_assistants

        offer_choices(
            "assistants", lambda: [(str(a.pk), a.name) for a in visible_assistants()]
        )
