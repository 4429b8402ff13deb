"""Who is in the demo and what they own; plain data, the same at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portal.models import Role

PASSWORD: Final = "portavoce-demo"  # noqa: S105 — printed at every start of the demo
STAFF_EMAIL: Final = "olga@portavoce.example"


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: Role


@dataclass(frozen=True)
class Helper:
    """An assistant of the demo."""

    name: str
    first_message: str
    instructions: str
    voice: str


@dataclass(frozen=True)
class House:
    """An organization of the demo. `key` is its API key, the same at every start."""

    name: str
    people: tuple[Person, ...]
    assistants: tuple[Helper, ...]
    number: str
    credits: int
    price_credits: int = 1

    @property
    def sip_number(self) -> str:
        """The number that a telephone on this machine reaches over SIP."""
        return f"{self.number[:-2]}9{self.number[-1]}"


@dataclass(frozen=True)
class Agency:
    slug: str
    house: House
    accent_color: str
    neutral_hue_deg: int
    radius: str
    font: str
    density: str
    welcome_text: str
    clients: tuple[House, ...]


RECEPTION: Final = """\
You are the friendly front desk of {company}. Keep answers to one or two sentences.

When the caller says "opening hours", say "We are open from nine to five, Monday to Friday."
When the caller says "address", say "You find us at number twelve, Market Street."
When the caller says "appointment", say "Gladly. Which day suits you best?"
When the caller says "monday", say "Monday works. I have written it down."
When the caller says "goodbye", say "Thank you for calling. Goodbye." and end the call.
Otherwise say "I can tell you our opening hours and our address, or make an appointment."
"""

REMINDER: Final = """\
You call on behalf of {company} to remind {{{{name}}}} of an appointment tomorrow at ten.

When the caller says "yes", say "See you tomorrow at ten. Goodbye." and end the call.
When the caller says "no", say "We will call you again. Goodbye." and end the call.
When the caller says "goodbye", say "Goodbye." and end the call.
Otherwise say "Can you come tomorrow at ten? Please say yes or no."
"""


def _desk(company: str, voice: str) -> tuple[Helper, ...]:
    return (
        Helper(
            "Front desk",
            f"Hello, this is {company}. How can I help you?",
            RECEPTION.format(company=company),
            voice,
        ),
        Helper(
            "Appointment reminder",
            f"Hello, this is {company}. Am I speaking with {{{{name}}}}?",
            REMINDER.format(company=company),
            voice,
        ),
    )


AGENCIES: Final = (
    Agency(
        slug="acme",
        house=House(
            "Acme Voice",
            (Person("alice@acme.example", "Alice Archer", Role.OWNER),),
            _desk("Acme Voice", "flite-slt"),
            "+31201234567",
            5_000,
        ),
        accent_color="#4f46e5",
        neutral_hue_deg=265,
        radius="soft",
        font="sans",
        density="comfortable",
        welcome_text="Phone calls, answered.",
        clients=(
            House(
                "Harbour Dental",
                (
                    Person("dora@harbour.example", "Dora Dekker", Role.OWNER),
                    Person("bob@harbour.example", "Bob Bakker", Role.VIEWER),
                ),
                _desk("Harbour Dental", "flite-slt"),
                "+31201234568",
                500,
                price_credits=4,
            ),
            House(
                "Northwind Cycles",
                (Person("nina@northwind.example", "Nina Noord", Role.OWNER),),
                _desk("Northwind Cycles", "flite-awb"),
                "+31201234569",
                250,
                price_credits=3,
            ),
        ),
    ),
    Agency(
        slug="globex",
        house=House(
            "Globex Calls",
            (Person("charlie@globex.example", "Charlie Chu", Role.OWNER),),
            _desk("Globex Calls", "flite-awb"),
            "+4930123450",
            5_000,
        ),
        accent_color="#0f766e",
        neutral_hue_deg=80,
        radius="square",
        font="serif",
        density="compact",
        welcome_text="Every call in good hands.",
        clients=(
            House(
                "Linden Legal",
                (Person("lena@linden.example", "Lena Lind", Role.OWNER),),
                _desk("Linden Legal", "flite-slt"),
                "+4930123451",
                300,
                price_credits=5,
            ),
        ),
    ),
)
