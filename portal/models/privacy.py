"""How an organization wants the content of its calls treated."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from common.redaction import Category
from portal.models.owned import Owned
from portal.policy import CONTENT_DAYS, METADATA_DAYS, Policy, RegionRule


class PrivacySettings(Owned):
    """An organization's own choices; `portal.services.privacy` says what holds."""

    class Regions(models.TextChoices):
        ANYWHERE = RegionRule.ANYWHERE.value, _("Anywhere")
        EU = RegionRule.EU.value, _("European Union and own servers")
        OWN = RegionRule.OWN.value, _("Own servers only")

    regions = models.CharField(
        _("where data may go"),
        max_length=8,
        choices=Regions,
        default=Regions.ANYWHERE,
    )
    trusted_hosts = models.JSONField(default=list, blank=True)
    keeps_callers_inside = models.BooleanField(
        _("hand callers on to numbers of the EU only"), default=False
    )
    content_retention_days = models.PositiveSmallIntegerField(
        _("keep content for"),
        choices=[(days, days) for days in CONTENT_DAYS],
        default=365,
    )
    metadata_retention_days = models.PositiveSmallIntegerField(
        _("keep metadata for"),
        choices=[(days, days) for days in METADATA_DAYS],
        default=730,
    )
    gdpr_mode = models.BooleanField(_("keep no content"), default=False)
    redacted_categories = models.JSONField(default=list, blank=True)
    seals_content = models.BooleanField(_("seal content at rest"), default=False)
    discloses_ai = models.BooleanField(_("say that it is an AI"), default=False)
    legal_hold_reason = models.CharField(_("legal hold"), max_length=200, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="privacy_once"),
            models.CheckConstraint(
                condition=Q(content_retention_days__lte=F("metadata_retention_days")),
                name="privacy_content_goes_first",
            ),
        ]

    def policy(self) -> Policy:
        """Return these choices as a policy."""
        return Policy(
            regions=RegionRule(self.regions),
            content_days=self.content_retention_days,
            metadata_days=self.metadata_retention_days,
            gdpr_mode=self.gdpr_mode,
            redacted=frozenset(Category(name) for name in self.redacted_categories),
            seals_content=self.seals_content,
            discloses_ai=self.discloses_ai,
            is_on_hold=bool(self.legal_hold_reason),
            trusted_hosts=frozenset(self.trusted_hosts),
            keeps_callers_inside=self.keeps_callers_inside,
        )
