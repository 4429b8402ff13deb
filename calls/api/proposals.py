"""Describing over REST what an assistant is for, and reading what a model makes of it.

Nothing is kept: who agrees sends `settings`, or what they like of it, to the draft.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Body as BodyParam, Router
from pydantic import BaseModel, Field, JsonValue

from assistants.proposals import Proposal, proposed_spec
from assistants.queries import get_assistant
from assistants.services import working_spec
from assistants.spec import AssistantSpec
from assistants.spec_secrets import masked
from calls.services.drafting import (
    MAX_WISH,
    NoModel,
    NoProposal,
    VendorRefused,
    propose,
    wait_to_ask_s,
)
from portal.api.access import ASKS_NO_VENDOR, api_requires, require_live_key
from portal.api.errors import Conflict, VendorFailed
from portal.api.limits import RateExceeded
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.permissions import Permission

router = Router(tags=["Assistants"])


class Wish(Body):
    """What the assistant is to do, in a person's own words."""

    wish: str = Field(
        min_length=1,
        max_length=MAX_WISH,
        examples=["Take bookings for a restaurant, and hand complaints to a person."],
    )


class Proposed(BaseModel):
    """`settings` is a body for `PATCH …/draft`: what differs from the assistant now."""

    settings: dict[str, JsonValue]


@router.post("/{uuid:assistant_id}/proposals", response=Proposed)
@api_requires(Permission.ASSISTANTS_EDIT)
def propose_settings(
    request: KeyRequest, assistant_id: UUID, wanted: Annotated[Wish, BodyParam(...)]
) -> dict[str, Any]:
    """Let a language model write instructions, a first message, functions and facts.

    It builds on what the assistant is now. Nothing is changed by it.
    """
    assistant = get_assistant(assistant_id)
    require_live_key(request, ASKS_NO_VENDOR)
    organization = request.organization
    wait_s = wait_to_ask_s(organization)
    if wait_s:
        raise RateExceeded(
            "A model was asked too often. Try again later.", retry_after_s=wait_s
        )
    spec = working_spec(assistant)
    try:
        proposal = propose(
            organization=organization, spec=spec, wish=wanted.wish, actor=None
        )
    except NoModel as error:
        raise Conflict(
            "No language model is set up that could think about it. Add a key first."
        ) from error
    except NoProposal as error:
        raise VendorFailed(
            f"The model’s answer could not be used ({error}). Try again."
        ) from error
    except VendorRefused as error:
        raise VendorFailed(str(error)) from error
    return {"settings": _changes(spec, proposal)}


def _changes(spec: AssistantSpec, proposal: Proposal) -> dict[str, Any]:
    """Return the fields that a proposal changes, as a draft takes them."""
    before, after = _shown(spec), _shown(proposed_spec(spec, proposal))
    changed = {name: value for name, value in after.items() if before[name] != value}
    if "llm_config" in changed:
        changed["llm_config"] = {
            name: value
            for name, value in after["llm_config"].items()
            if before["llm_config"][name] != value
        }
    return changed


def _shown(spec: AssistantSpec) -> dict[str, Any]:
    return masked(spec.model_dump(mode="json", by_alias=True))
