"""Twenty people to call, who exist only in the simulator: they talk, are busy, ring out."""

from __future__ import annotations

from typing import Final

from assistants.models import Assistant
from calls.models import PhoneNumber
from campaigns.importing import LeadRow
from campaigns.services import NewCampaign, create_campaign
from portal.models import Organization

_NAMES: Final = (
    "Anna",
    "Bram",
    "Chloe",
    "Daan",
    "Emma",
    "Finn",
    "Greta",
    "Hugo",
    "Iris",
    "Jan",
    "Kim",
    "Lars",
    "Mila",
    "Noah",
    "Olaf",
    "Petra",
    "Quinn",
    "Rosa",
    "Sven",
    "Tess",
)
# The last two digits say how the simulator's callee behaves; see
# calls/telephony/simulator/callees.py.
_ENDINGS: Final = (
    "01",
    "11",
    "02",
    "21",
    "03",
    "31",
    "04",
    "41",
    "51",
    "06",
    "61",
    "71",
    "05",
    "81",
    "07",
    "91",
    "12",
    "22",
    "09",
    "32",
)


def seed_campaign(organization: Organization) -> None:
    """Draft a campaign of twenty leads, ready to be launched."""
    reminder = Assistant.objects.filter(name="Appointment reminder").first()
    number = PhoneNumber.objects.first()
    if reminder is None or number is None:
        return
    create_campaign(
        organization=organization,
        new=NewCampaign(
            name="Reminders for tomorrow",
            assistant=reminder,
            number=number,
            max_concurrent_calls=4,
            max_attempts=2,
            retry_delay_s=60,
        ),
        leads=[
            LeadRow(f"+3120555{index:02d}{ending}", name, {"name": name})
            for index, (name, ending) in enumerate(zip(_NAMES, _ENDINGS, strict=True))
        ],
        actor=None,
    )
