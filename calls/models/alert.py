"""What looked like fraud, for a person to decide on."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext, gettext_lazy as _

from common.phone import mask
from portal.models import Owned


class CallAlert(Owned):
    """One kind of suspicion about one subject; one row while nobody has dismissed it."""

    class Kind(models.TextChoices):
        NEW_COUNTRY = "new_country", _("Calls to a new country")
        NUMBER_BLOCK = "number_block", _("Many numbers of one block")
        SHORT_CALLS = "short_calls", _("Many calls of a few seconds")
        ONE_CALLER = "one_caller", _("One caller again and again")

    kind = models.CharField(max_length=14, choices=Kind)
    # A country, the front of a block of numbers, or a caller's number.
    subject = models.CharField(max_length=16, blank=True)
    count = models.PositiveIntegerField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )

    class Meta:
        ordering = ["-last_seen_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "kind", "subject"],
                condition=models.Q(dismissed_at__isnull=True),
                name="call_alert_once",
            )
        ]

    @property
    def sentence(self) -> str:
        """Return what was seen, for people; a caller's number is masked."""
        text = {
            "new_country": gettext(
                "%(count)d calls within an hour to %(subject)s, a country that was not "
                "called in the month before."
            ),
            "number_block": gettext(
                "%(count)d numbers that begin with %(subject)s were called within an hour."
            ),
            "short_calls": gettext(
                "%(count)d answered calls within an hour lasted less than six seconds."
            ),
            "one_caller": gettext("%(subject)s called %(count)d times within an hour."),
        }[self.kind]
        is_caller = self.kind == self.Kind.ONE_CALLER
        subject = mask(self.subject) if is_caller else self.subject
        return text % {"count": self.count, "subject": subject}
