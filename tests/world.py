"""The cast: two agencies, their people, and what they own; built with the real services.

acme     agency     alice (owner)   client Bakery: dora (owner), bob (viewer)
globex   agency     charlie (owner) client Garage: lena (owner)
olga     the operator's staff
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from allauth.account.models import EmailAddress
from django.conf import settings
from django.test import Client

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
from calls.models import PhoneNumber
from common.money import MICROCREDITS_PER_CREDIT
from portal.auth import SESSION_PORTAL, session_mark
from portal.middleware import SESSION_ORGANIZATION, SESSION_VISIT
from portal.models import Membership, Organization, Portal, Role, User, Visit
from portal.scope import organization_scope
from portal.services.organizations import add_member, open_agency, open_client
from portal.services.visits import start_visit

PASSWORD = "correct horse battery"
CREDITS = 5_000


@dataclass
class House:
    """An organization of the cast with its people by first name."""

    portal: Portal
    organization: Organization
    assistant: Assistant
    number: PhoneNumber
    people: dict[str, User] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"{self.portal.slug}.{settings.BASE_DOMAIN}"


def desk_spec(**changes: object) -> AssistantSpec:
    """Return an assistant that needs no key."""
    values: dict[str, object] = {
        "name": "Front desk",
        "first_message": "Hello, how can I help you?",
        "llm_config": LLMConfig(
            provider="demo",
            model="demo-1",
            messages=(
                Message(
                    role="system",
                    content='When the caller says "goodbye", say "Goodbye." and end the call.',
                ),
            ),
            tools=(EndCallTool(),),
        ),
        "stt_config": STTConfig(
            provider="offline", model="pocketsphinx", language="en"
        ),
        "tts_config": TTSConfig(
            provider="offline", voice_id="flite-rms", language="en"
        ),
    }
    return AssistantSpec(**(values | changes))


def furnish(portal: Portal, organization: Organization, number: str) -> House:
    """Give an organization credits, an assistant and a number."""
    with organization_scope(organization):
        open_accounts(organization)
        grant_credits(
            organization=organization,
            amount_microcredits=CREDITS * MICROCREDITS_PER_CREDIT,
            idempotency_key=f"test:{organization.pk}",
            memo="Start",
            actor=None,
        )
        assistant = create_assistant(
            organization=organization, spec=desk_spec(), actor=None
        )
        phone = PhoneNumber.objects.create(
            organization=organization, number=number, assistant=assistant
        )
    return House(portal, organization, assistant, phone)


def open_house(slug: str, owner: str, number: str) -> House:
    """Open an agency with one owner, named as the person."""
    portal = open_agency(name=slug.title(), slug=slug, actor=None)
    house = furnish(portal, portal.agency, number)
    join(house, owner, Role.OWNER)
    return house


def open_client_house(agency: House, name: str, number: str) -> House:
    """Open a client of an agency."""
    client = open_client(agency=agency.organization, name=name, actor=None)
    return furnish(agency.portal, client, number)


def join(house: House, name: str, role: Role) -> User:
    """Add a person called `name` to a house."""
    member = add_member(
        organization=house.organization,
        email=f"{name}@{house.portal.slug}.example",
        name=name.title(),
        role=role,
        password=PASSWORD,
        actor=None,
    )
    house.people[name] = member.user
    return member.user


def make_staff() -> User:
    """Return olga, who may open the operator's pages."""
    olga = User.objects.create_user("olga@operator.example", PASSWORD, is_staff=True)
    EmailAddress.objects.create(
        user=olga, email=olga.email, primary=True, verified=True
    )
    return olga


def browser(house: House, user: User | None = None, *, is_fresh: bool = True) -> Client:
    """Return a browser at the house's portal, signed in as `user` and looking at the house.

    Signed in a moment ago, unless not `is_fresh`: then secrets and money ask once more.
    """
    client = Client(SERVER_NAME=house.host)
    if user is not None:
        client.force_login(user, backend="portal.auth.PortalBackend")
        session = client.session
        session[SESSION_PORTAL] = session_mark(house.portal)
        if is_fresh:
            session["account_authentication_methods"] = [
                {"method": "password", "at": time.time()}
            ]
            session["account_authentication_methods_user"] = str(user.pk)
        session[SESSION_ORGANIZATION] = str(house.organization.pk)
        if house.organization.parent_id and not is_member(user, house):
            session[SESSION_VISIT] = str(visit(house, user).pk)
        session.save()
    return client


def is_member(user: User, house: House) -> bool:
    return Membership.objects.filter(
        user=user, organization=house.organization
    ).exists()


def visit(house: House, user: User, *, may_write: bool = True) -> Visit:
    """Let somebody of the agency work in a client for a while."""
    return start_visit(
        organization=house.organization,
        visitor=user,
        kind=Visit.Kind.AGENCY,
        reason="Test of a page",
        minutes=30,
        may_write=may_write,
    )
