"""A campaign made from another: the same again, or for the people of some outcomes."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import sql

from calls.models import PhoneNumber
from campaigns.errors import CampaignNotReady
from campaigns.models import Campaign, CampaignNumber, Lead
from campaigns.services.lists import ALL_LISTS, COMING_ALONG, Wanted
from campaigns.services.making import NewCampaign, create_campaign
from portal.models import User
from portal.scope import all_organizations

_SETTINGS: Final = (
    "hours",
    "days_off",
    "is_closed_on_holidays",
    "time_zone",
    "uses_own_zone",
    "unknown_zone",
    "retry_rules",
    "dropped_below_s",
    "weight",
    "budget_microcredits",
    "has_local_presence",
    "number_daily_cap",
    "consent_rule",
    "consent_note",
    "opt_out_digit",
    "variant_assistant",
    "variant_percent",
)
_COPY_LEADS: Final = sql.SQL("""
insert into campaigns_lead (
  id, organization_id, agency_id, campaign_id, phone_number, name, variables, status,
  attempt_count, due_at, last_outcome, created_at, locality_id, is_priority,
  skip_reason, consent_basis, consent_proof, is_variant, disposition)
select gen_random_uuid(), organization_id, agency_id, %(new)s, phone_number, name,
  variables, 'pending', 0, %(now)s, '',
  %(now)s + row_number() over (order by created_at, id) * interval '1 microsecond',
  locality_id, false, '', consent_basis, consent_proof, false, ''
from campaigns_lead
where {coming_along}
""").format(coming_along=COMING_ALONG)


@transaction.atomic
def copy_campaign(
    *,
    campaign: Campaign,
    actor: User | None,
    wanted: Wanted | None = None,
) -> Campaign:
    """Make a draft like a campaign, with its people or those of some results.

    Attempts begin anew; who asked not to be called stays out. Raises
    `CampaignNotReady` when nobody is left.
    """
    further = CampaignNumber.objects.filter(campaign=campaign).values("number")
    more: dict[str, Any] = {field: getattr(campaign, field) for field in _SETTINGS}
    made = create_campaign(
        organization=campaign.organization,
        new=NewCampaign(
            name=(_("%(name)s, again") % {"name": campaign.name})[:120],
            assistant=campaign.assistant,
            number=campaign.number,
            system_message_template=campaign.system_message_template,
            max_concurrent_calls=campaign.max_concurrent_calls,
            max_attempts=campaign.max_attempts,
            retry_delay_s=campaign.retry_delay_s,
            further_numbers=tuple(PhoneNumber.objects.filter(pk__in=further)),
            more=more | {"made_from": campaign},
        ),
        actor=actor,
    )
    with all_organizations(ALL_LISTS), connection.cursor() as cursor:
        cursor.execute(
            _COPY_LEADS,
            {
                "new": made.pk,
                "campaign": campaign.pk,
                "now": timezone.now(),
                **(wanted or Wanted()).values,
            },
        )
    if not Lead.objects.filter(campaign=made).exists():
        raise CampaignNotReady(_("Nobody of this campaign fits."))
    return made
