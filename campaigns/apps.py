from django.apps import AppConfig

from portal.visibility import offer_choices


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from calls.services.retention import also_forget
        from campaigns import receivers  # noqa: F401 - importing connects them
        from campaigns.forgetting import forget_attempt
        from campaigns.queries import visible_campaigns

        also_forget(forget_attempt)
        offer_choices(
            "campaigns", lambda: [(str(c.pk), c.name) for c in visible_campaigns()]
        )
