"""Making the demo's cast, once; run again, it changes nothing that is there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from assistants.catalogue import Stage, catalogue
from assistants.models import Assistant
from assistants.services import create_assistant
from assistants.spec import (
    AssistantSpec,
    LLMConfig,
    Message,
    STTConfig,
    TTSConfig,
)
from assistants.tool_shapes import EndCallTool
from billing.grants import grant_credits
from billing.ledger import open_accounts
from billing.pricing import set_price
from calls.models import PhoneNumber, Trunk
from calls.services.trunks import add_trunk, change_trunk
from campaigns.models import LegalHours
from common.money import MICROCREDITS_PER_CREDIT
from common.windows import WHOLE_WEEK
from config.demo.cast import AGENCIES, PASSWORD, STAFF_EMAIL, Agency, Helper, House
from config.demo.history import seed_history
from config.demo.people import seed_campaign
from portal.models import APIKey, Organization, Portal, Role, User
from portal.scope import all_organizations, organization_scope
from portal.services.api_keys import LIVE_PREFIX, issue_key
from portal.services.brand import save_brand
from portal.services.organizations import add_member, open_agency, open_client

DEMO_TRUNK: Final = "This machine"
ANSWERS_AT: Final = 10  # above the SIP port: where its telephones listen
EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


def seed() -> None:
    """Make what is missing of the demo."""
    _staff()
    for agency in AGENCIES:
        with transaction.atomic():
            _agency(agency)


def demo_key(house: House) -> str:
    """Return the API key of a demo organization: its own on each checkout, always the same."""
    text = f"{settings.SECRET_KEY}:{house.name}:demo key"
    return LIVE_PREFIX + hashlib.sha256(text.encode()).hexdigest()[:43]


def _staff() -> None:
    if not User.objects.filter(email=STAFF_EMAIL).exists():
        user = User.objects.create_superuser(
            STAFF_EMAIL, PASSWORD, name="Olga Operator"
        )
        EmailAddress.objects.create(
            user=user, email=user.email, primary=True, verified=True
        )


def _agency(agency: Agency) -> None:
    portal = Portal.objects.select_related("agency").filter(slug=agency.slug).first()
    if portal is None:
        portal = open_agency(name=agency.house.name, slug=agency.slug, actor=None)
        for name in (
            "accent_color",
            "neutral_hue_deg",
            "radius",
            "font",
            "density",
            "welcome_text",
        ):
            setattr(portal, name, getattr(agency, name))
        with organization_scope(portal.agency):
            save_brand(portal=portal, actor=None)
    _furnish(portal.agency, agency.house)
    for house in agency.clients:
        with all_organizations("the demo looks for its own clients"):
            client = Organization.objects.filter(
                parent=portal.agency, name=house.name
            ).first()
        if client is None:
            client = open_client(agency=portal.agency, name=house.name, actor=None)
            with organization_scope(portal.agency):
                set_price(
                    agency=portal.agency,
                    client=client,
                    microcredits_per_minute=house.price_credits
                    * MICROCREDITS_PER_CREDIT,
                    effective_at=EPOCH,
                    actor=None,
                )
        _furnish(client, house)


def _furnish(organization: Organization, house: House) -> None:
    with organization_scope(organization):
        open_accounts(organization)
        grant_credits(
            organization=organization,
            amount_microcredits=house.credits * MICROCREDITS_PER_CREDIT,
            idempotency_key=f"demo:{organization.pk}:start",
            memo="Credits to start with",
            actor=None,
        )
        for person in house.people:
            add_member(
                organization=organization,
                email=person.email,
                name=person.name,
                role=person.role,
                password=PASSWORD,
                actor=None,
            )
        if not APIKey.objects.filter(name="Demo").exists():
            # An owner's, so that all there is can be tried with it.
            issue_key(
                organization=organization,
                name="Demo",
                actor=None,
                key=demo_key(house),
                role=Role.OWNER,
            )
        if Assistant.objects.exists():
            seed_trunk(organization, house)
            return
        made = [
            create_assistant(
                organization=organization, spec=helper_spec(helper), actor=None
            )
            for helper in house.assistants
        ]
        PhoneNumber.objects.create(
            organization=organization,
            number=house.number,
            name="Main line",
            carrier="simulator",
            assistant=made[0],
        )
        seed_trunk(organization, house)
        seed_history(organization)
        seed_hours()
        seed_campaign(organization)


def seed_hours() -> None:
    """Let the demo's campaigns call at any hour: its people live in the simulator."""
    LegalHours.objects.get_or_create(
        country="NL",
        state="",
        defaults={
            "hours": WHOLE_WEEK.as_json(),
            "needs_consent": False,
            "source": "Demo: nobody real is called.",
        },
    )


def seed_trunk(organization: Organization, house: House) -> None:
    """Have a number that telephones on this machine can call, and that calls them.

    The SIP port of a demo may be another one at its next start.
    """
    port = settings.SIP_PORT + ANSWERS_AT
    trunk = Trunk.objects.filter(name=DEMO_TRUNK).first()
    if trunk is not None:
        if trunk.port != port:
            change_trunk(trunk=trunk, changes={"port": port}, actor=None)
        return
    trunk = add_trunk(
        organization=organization,
        values={
            "name": DEMO_TRUNK,
            "host": "127.0.0.1",
            "port": port,
            "inbound_addresses": ["127.0.0.1"],
            "calls_per_second": 10,
        },
        actor=None,
    )
    PhoneNumber.objects.create(
        organization=organization,
        number=house.sip_number,
        name="Telephone on this machine",
        carrier="sip",
        trunk=trunk,
        assistant=Assistant.objects.filter(name=house.assistants[0].name).first(),
    )


def helper_spec(helper: Helper) -> AssistantSpec:
    """Return an assistant that needs no key: offline hearing, demo model, offline voice."""
    tts = catalogue().find(Stage.TTS, "offline")
    stt = catalogue().find(Stage.STT, "offline")
    llm = catalogue().find(Stage.LLM, "demo")
    assert tts is not None
    assert stt is not None
    assert llm is not None
    voice = tts.voice(helper.voice)
    return AssistantSpec(
        name=helper.name,
        first_message=helper.first_message,
        llm_config=LLMConfig(
            provider=llm.id,
            model=llm.default_model,
            messages=(Message(role="system", content=helper.instructions),),
            tools=(EndCallTool(),),
        ),
        stt_config=STTConfig(provider=stt.id, model=stt.default_model, language="en"),
        tts_config=TTSConfig(
            provider=tts.id,
            voice_id=voice.id if voice and voice.is_installed else tts.default_voice,
            language="en",
        ),
    )
