"""From a few words to a proposal for an assistant, by any language model at hand."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Final

from pydantic import ValidationError

from assistants.catalogue import Region, Stage, catalogue
from assistants.form_offers import model_groups, split
from assistants.key_places import Place, place_of
from assistants.keys import Payer, keys_at_hand, payers
from assistants.proposals import SHAPE, Proposal
from assistants.spec import AssistantSpec, LLMChoice
from calls import findings
from calls.services.equipment import credentials_of
from portal.models import Organization, User
from portal.policy import Policy
from portal.rates import is_allowed
from portal.services import audit
from portal.services.privacy import policy_of

MAX_WISH: Final = 4_000
# No credits pay for it, also where the key is the operator's: this bounds what that costs.
PER_HOUR: Final = 40
PER_DAY: Final = 200
SYSTEM: Final = (
    "You design voice assistants that talk on the telephone. From what a person says "
    "they need, write:\n"
    "- instructions: a system prompt for the assistant, in the language of the request. "
    "Say who it is and what it knows; give its tasks as short steps; one or two "
    "sentences an answer; one question at a time; no lists, no markup, numbers as "
    "people say them; what to do when it does not know; when to end the call.\n"
    "- first_message: what it says first, one or two sentences.\n"
    "- tools: functions of the person's own systems that the assistant calls to look "
    "up or do something; only those that are needed; names like check_order; message "
    "is what it says while the caller waits.\n"
    "- facts: what to write down after each call.\n"
    "Invent no facts about the business: where something is not known, write it in "
    "square brackets. Answer with one JSON object and nothing else."
)
WISH: Final = (
    "What the person needs:\n{wish}\n\nThe assistant is called {name}. "
    "Its instructions now, to build on:\n{instructions}\n\n"
    "Functions it has already: {tools}\n\nThe answer as a JSON Schema:\n{schema}"
)


class NoModel(Exception):
    """No language model is at hand that could think about it."""


class VendorRefused(Exception):
    """The vendor did not do its part; the text says why, to whoever chose it."""


class NoProposal(Exception):
    """The model answered with something else, twice; the text says what."""


def mind_at_hand(organization: Organization, spec: AssistantSpec) -> LLMChoice | None:
    """Return the assistant's own model, else the first that a key and the policy allow."""
    offered = [
        LLMChoice(provider=provider, model=model, temperature=0.4)
        for _group, models in model_groups(Stage.LLM, keys_at_hand())
        for provider, model in (split(value) for value, _label in models)
    ]
    policy = policy_of(organization)
    usable = [one for one in offered if _is_real(one) and _may_see(one, policy)]
    mine = spec.llm_config
    usable.sort(
        key=lambda one: (one.provider, one.model) != (mine.provider, mine.model)
    )
    return usable[0] if usable else None


def wait_to_ask_s(organization: Organization) -> int:
    """Count one question of an organization; return how long it has to wait with it.

    Zero: it may be asked now.
    """
    who, now = str(organization.pk), int(time.time())
    for what, limit, window_s in (
        ("drafting", PER_HOUR, 3_600),
        ("drafting_day", PER_DAY, 86_400),
    ):
        if not is_allowed(what, who, limit=limit, window_s=window_s):
            return window_s - now % window_s
    return 0


def is_on_own_key(organization: Organization, choice: LLMChoice) -> bool:
    """Whether the vendor bills the organization itself for asking this model."""
    provider = catalogue().find(Stage.LLM, choice.provider)
    key = provider.key_for(choice.model) if provider else None
    whose = payers(organization.agency_id, organization.pk)
    return key is not None and whose.get(key) == Payer.ORGANIZATION


def propose(
    *, organization: Organization, spec: AssistantSpec, wish: str, actor: User | None
) -> Proposal:
    """Return what a model proposes; nothing is saved.

    Raises `NoModel`, `NoProposal` or `VendorRefused`.
    """
    choice = mind_at_hand(organization, spec)
    if choice is None:
        raise NoModel
    credentials = credentials_of(organization.agency_id, organization.pk)
    proposal = asyncio.run(_asked(spec, choice, credentials, wish))
    audit.record(
        organization=organization,
        actor=actor,
        action="assistant.described",
        changes={"provider": choice.provider, "model": choice.model},
    )
    return proposal


def _is_real(choice: LLMChoice) -> bool:
    provider = catalogue().find(Stage.LLM, choice.provider)
    return provider is not None and not provider.is_demo


def _may_see(choice: LLMChoice, policy: Policy) -> bool:
    provider = catalogue().find(Stage.LLM, choice.provider)
    if provider is None:
        return Place(Region.NON_EU).is_allowed(policy)
    return place_of(provider, provider.region_of(choice.model, {})).is_allowed(policy)


async def _asked(
    spec: AssistantSpec, choice: LLMChoice, credentials: dict[str, Any], wish: str
) -> Proposal:
    # Loads the voice library, which no other page needs.
    from calls.vendors.errors import ProviderError
    from calls.vendors.thinking import think

    question = WISH.format(
        wish=wish,
        name=spec.name,
        instructions=spec.llm_config.instructions or "none",
        tools=", ".join(tool.name or "MCP" for tool in spec.llm_config.tools) or "none",
        schema=json.dumps(SHAPE),
    )
    messages: findings.Messages = [("system", SYSTEM), ("user", question)]
    fault = ""
    for _try in range(2):
        try:
            thought = await think(
                spec=spec,
                choice=choice,
                credentials=credentials,
                messages=messages,
                shape=SHAPE,
            )
        except ProviderError as error:
            raise VendorRefused(error.message) from error
        proposal, fault = _read(thought.text)
        if proposal is not None:
            return proposal
        repair = findings.REPAIR_PROMPT.format(
            fault=fault, answer=thought.text[:20_000]
        )
        messages = [*messages[:2], ("user", repair)]
    raise NoProposal(fault)


def _read(text: str) -> tuple[Proposal | None, str]:
    value, fault = findings.read_json(text, SHAPE)
    if fault:
        return None, fault
    try:
        return Proposal.model_validate(value), ""
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = "/".join(str(part) for part in first["loc"])
        return None, f"{where}: {first['msg']}"
