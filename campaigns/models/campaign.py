"""A campaign: whom to call with which assistant, from which numbers, when and how fast."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext, gettext_lazy as _

from campaigns.retries import RetryPolicy, Rule, parse_rules
from common.windows import WHOLE_WEEK, Week
from portal.models import Owned
from portal.models.owned import ScopedManager


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def running(self) -> Self:
        return self.filter(status=Campaign.Status.SCHEDULED)

    def with_due_leads(self, now: datetime) -> Self:
        """Campaigns with somebody to call at `now`."""
        from campaigns.models.lead import Lead

        one = Lead.objects.first_due(models.OuterRef("pk"), now)
        return self.alias(due_lead=models.Subquery(one)).filter(due_lead__isnull=False)

    def without_open_leads(self) -> Self:
        """Campaigns with nobody still to be reached, now or later."""
        from campaigns.models.lead import Lead

        one = Lead.objects.first_unfinished(models.OuterRef("pk"))
        return self.alias(open_lead=models.Subquery(one)).filter(open_lead__isnull=True)


CampaignManager = ScopedManager.from_queryset(CampaignQuerySet)


class Campaign(Owned):
    """A set of leads to be dialled. Moved by `campaigns.lifecycle` alone."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Running")
        PAUSED = "paused", _("Paused")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    class HaltReason(models.TextChoices):
        """Why the dialer paused a campaign by itself."""

        NOT_ENOUGH_CREDITS = "not_enough_credits", _("There are not enough credits.")
        AGENCY_CREDITS = (
            "agency_credits",
            _("Calls are not available right now. Contact support."),
        )
        CALL_REFUSED = "call_refused", _("Calls cannot be started.")
        TOO_MANY_FAILURES = "too_many_failures", _("Too many calls failed.")
        BUDGET_SPENT = "budget_spent", _("The campaign's budget is spent.")

    class UnknownZone(models.TextChoices):
        """What becomes of a person whose time zone nobody knows."""

        SKIP = "skip", _("Do not call")
        CAMPAIGN = "campaign", _("Take the campaign's time zone")

    class ConsentRule(models.TextChoices):
        """Where the consent to be called by an automatic voice is to be found."""

        CAMPAIGN = "campaign", _("All people of the list have agreed")
        LEAD = "lead", _("Each person's row says so; others are not called")

    FINAL: ClassVar[tuple[str, ...]] = (Status.COMPLETED, Status.CANCELLED)

    name = models.CharField(_("name"), max_length=120)
    assistant = models.ForeignKey(
        "assistants.Assistant", on_delete=models.PROTECT, related_name="campaigns"
    )
    number = models.ForeignKey(
        "calls.PhoneNumber", on_delete=models.PROTECT, related_name="campaigns"
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    halt_reason = models.CharField(max_length=20, choices=HaltReason, blank=True)
    halt_detail = models.CharField(max_length=300, blank=True)
    system_message_template = models.TextField(
        _("instructions for each call"), blank=True
    )
    max_concurrent_calls = models.PositiveIntegerField(_("calls at once"), default=3)
    max_attempts = models.PositiveIntegerField(_("attempts for each lead"), default=3)
    retry_delay_s = models.PositiveIntegerField(
        _("seconds before another try"), default=3600
    )
    # When: hours by weekday as `Week.as_json` writes them; empty is the whole week.
    hours = models.JSONField(default=dict)
    days_off = models.JSONField(default=list)
    is_closed_on_holidays = models.BooleanField(default=False)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    time_zone = models.CharField(max_length=64, blank=True)
    uses_own_zone = models.BooleanField(default=False)
    unknown_zone = models.CharField(
        max_length=10, choices=UnknownZone, default=UnknownZone.SKIP
    )

    # How persistently: rules by outcome as `retries.rules_json` writes them.
    retry_rules = models.JSONField(default=dict)
    dropped_below_s = models.PositiveIntegerField(default=0)

    # How fast and for how much.
    weight = models.PositiveSmallIntegerField(default=1)
    budget_microcredits = models.BigIntegerField(null=True)
    spent_microcredits = models.BigIntegerField(default=0)
    has_local_presence = models.BooleanField(default=False)
    number_daily_cap = models.PositiveIntegerField(null=True)

    consent_rule = models.CharField(
        max_length=10, choices=ConsentRule, default=ConsentRule.CAMPAIGN
    )
    consent_note = models.CharField(max_length=300, blank=True)

    # The key that puts a person on the list; the assistant has to tell of it.
    opt_out_digit = models.CharField(max_length=1, default="9", blank=True)

    # A share of the people gets another assistant, so that the two can be compared.
    variant_assistant = models.ForeignKey(
        "assistants.Assistant", on_delete=models.PROTECT, null=True, related_name="+"
    )
    variant_percent = models.PositiveSmallIntegerField(default=0)

    # Until when others need leave no share for it: it found nobody, or no room of its own.
    idle_until = models.DateTimeField(null=True)
    halt_evidence = models.JSONField(default=dict)
    made_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_by = models.ForeignKey(
        "portal.User", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[CampaignManager[Campaign]] = CampaignManager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["organization", "-created_at"], name="campaign_by_organization"
            ),
            models.Index(
                fields=["status"],
                condition=models.Q(status="scheduled"),
                name="campaign_running",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(max_concurrent_calls__gte=1, max_attempts__gte=1),
                name="campaign_can_call",
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=1, weight__lte=100),
                name="campaign_weight",
            ),
            models.CheckConstraint(
                condition=models.Q(variant_percent__lte=100),
                name="campaign_variant_percent",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_on__isnull=True)
                | models.Q(ends_on__isnull=True)
                | models.Q(ends_on__gte=models.F("starts_on")),
                name="campaign_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_final(self) -> bool:
        return self.status in self.FINAL

    @property
    def shown_status(self) -> str:
        """The status as people say it: the public API's "scheduled" is running."""
        return "running" if self.status == self.Status.SCHEDULED else self.status

    @property
    def week(self) -> Week:
        """The hours in which it calls."""
        return Week.parse(self.hours) if self.hours else WHOLE_WEEK

    @property
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(
            self.max_attempts,
            Rule((self.retry_delay_s,)),
            parse_rules(self.retry_rules),
        )

    @property
    def halt_text(self) -> str:
        """Why the dialer paused by itself, for people; empty when it did not."""
        if not self.halt_reason:
            return ""
        if self.halt_detail:
            # Written by a worker, in English; most of it is in the catalogues.
            return gettext(self.halt_detail)
        return str(self.HaltReason(self.halt_reason).label)


class CampaignNumber(Owned):
    """A further number of a campaign's pool; its own `number` belongs to it anyway."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="further_numbers"
    )
    number = models.ForeignKey(
        "calls.PhoneNumber", on_delete=models.PROTECT, related_name="+"
    )

    objects: ClassVar[ScopedManager[CampaignNumber]] = ScopedManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "number"], name="campaign_number_once"
            )
        ]
