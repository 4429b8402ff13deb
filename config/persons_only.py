"""What the API leaves to people, and why: one list, in the document and in the reference.

Each is here because a key cannot stand for somebody: for a second person, for whoever
signs in, or for the one who pays. Whatever else pages do has an operation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PersonsOnly:
    """Something that a person does signed in, why no key does, and what a key can do."""

    what: str
    why: str
    instead: str
    paths: tuple[str, ...]


PERSONS_ONLY: Final = (
    PersonsOnly(
        "Approve credits above the agency's limit, and set that limit.",
        "Two people must agree; a key is no second person, and could raise what holds it.",
        "List what waits, and take it back.",
        ("/selling/grants", "/selling/grants/{request_id}/refuse"),
    ),
    PersonsOnly(
        "Enter card details at Stripe, and prove to Stripe who an agency is.",
        "Payment rules want the person who pays or signs; Stripe asks on its own pages.",
        "Get the address of the page.",
        (
            "/billing/payments",
            "/billing/subscription",
            "/billing/card",
            "/selling/stripe/connect",
        ),
    ),
    PersonsOnly(
        "Accept an invitation, sign in, and change one's own password, second step, name, "
        "language and theme.",
        "They prove who somebody is, or are that person's own.",
        "Invite, give roles, and ask everybody for a second step.",
        ("/invitations", "/members/{member_id}", "/sign-in"),
    ),
    PersonsOnly(
        "Look into a client from its agency.",
        "The client reads the name of who came, why, and for how long.",
        "Read who came, with a key of the client.",
        ("/visits",),
    ),
    PersonsOnly(
        "Listen to a call while it goes on, and dictate into a page.",
        "Who listens is written down by name, and both need a browser's sound.",
        "Read and steer the call; describe in words.",
        (
            "/calls/{call_id}",
            "/calls/{call_id}/control",
            "/assistants/{assistant_id}/proposals",
        ),
    ),
)


def as_markdown() -> str:
    """Return the list for the document's description."""
    lines = [
        f"- {one.what} {one.why} By key: {one.instead} "
        + ", ".join(f"`{path}`" for path in one.paths)
        for one in PERSONS_ONLY
    ]
    return "\n".join(["What only a person can do, and why:", "", *lines])
