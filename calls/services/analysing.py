"""Finding out what a call was about, once it is over, and reporting it exactly once.

    call ends ──▶ pending ──▶ running ──▶ done ──┬─▶ end-of-call-report, mails
                     ▲            │   ╰─▶ skipped ┤   (in the transaction that finishes)
                     ╰── again ───┴─────▶ failed ─╯

Who claims a row works outside of any transaction; who finishes it must still hold the
claim, so a worker that was taken for dead and comes back reports nothing.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from assistants.analysis_plan import DISPOSITION, AnalysisPlan
from assistants.catalogue import PriceUnit, Stage, catalogue
from assistants.key_places import place_of
from assistants.spec import AssistantSpec, LLMChoice
from calls import findings
from calls.models import Call, CallAnalysis
from calls.services.equipment import credentials_of
from calls.services.own_settings import spec_of
from calls.services.reporting import report_call
from calls.services.transcribing import NotTranscribed, give_up, transcribe
from calls.services.unnaming import names_learned, names_of, unname
from calls.signals import call_analysed
from common.redaction import redact, redact_json
from portal.policy import Policy
from portal.scope import Scope, all_organizations, scoped
from portal.sealed import ToSeal
from portal.services.privacy import policy_for

logger = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
CLAIM_S: Final = 300
RETRY_AFTER_S: Final = 30
DEMO: Final = "demo"
DEMO_NOTE: Final = "Copied from what was said; a demo model understands nothing."
_BATCH: Final = 20
S = CallAnalysis.Status


@dataclass
class Found:
    """What an analysis brought, in the order it was brought."""

    status: S = S.DONE
    summary: str = ""
    data: dict[str, Any] | None = None
    is_success: bool | None = None
    success_reason: str = ""
    disposition: str = ""
    note: str = ""
    provider: str = ""
    model: str = ""
    key_owner: str = ""
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True)
class Material:
    """All that is read before the thinking starts."""

    spec: AssistantSpec
    plan: AnalysisPlan
    turns: list[tuple[str, str]]
    values: dict[str, str]
    credentials: dict[str, Any] = field(default_factory=dict, repr=False)


def plan_analysis(call: Call) -> None:
    """Note that a call which connected is to be looked at; in the transaction of its end."""
    from calls.tasks import analyse_call  # tasks import this module

    CallAnalysis.objects.get_or_create(
        call=call,
        defaults={"organization_id": call.organization_id, "due_at": timezone.now()},
    )
    call_id = str(call.pk)
    transaction.on_commit(lambda: analyse_call.delay(call_id=call_id), robust=True)


def analyse_due() -> int:
    """Look at calls whose analysis waits, or was left by a worker that is gone."""
    with all_organizations("the tick looks after every organization's calls"):
        due = list(
            _claimable(timezone.now())
            .order_by("due_at")
            .values_list("call_id", flat=True)[:_BATCH]
        )
    return sum(analyse(call_id=call_id) for call_id in due)


def analyse(*, call_id: UUID) -> bool:
    """Analyse one call and report it; returns whether this run finished it."""
    now = timezone.now()
    with all_organizations("the row says whose call it is"):
        claimed = (
            _claimable(now)
            .filter(call_id=call_id)
            .update(
                status=S.RUNNING,
                claimed_at=now,
                attempts=models.F("attempts") + 1,
                due_at=now + timedelta(seconds=CLAIM_S),
            )
        )
        if not claimed:
            return False
        call = Call.objects.select_related(
            "organization", "version", "assistant", "number"
        ).get(pk=call_id)
    with scoped(Scope(call.agency_id, call.organization_id)):
        try:
            found = _find(call)
        except _Again as again:
            if CallAnalysis.objects.get(call=call).attempts < MAX_ATTEMPTS:
                _put_back(call_id, now)
                return False
            found = Found(status=S.FAILED, note=str(again))
        _keep_discretion(call, found)
        return _finish(call, now, found)


def _claimable(now: datetime) -> models.QuerySet[CallAnalysis]:
    return CallAnalysis.objects.filter(
        status__in=[S.PENDING, S.RUNNING], due_at__lte=now
    )


def _put_back(call_id: UUID, claimed_at: datetime) -> None:
    CallAnalysis.objects.filter(
        call_id=call_id, status=S.RUNNING, claimed_at=claimed_at
    ).update(status=S.PENDING, due_at=timezone.now() + timedelta(seconds=RETRY_AFTER_S))


@transaction.atomic
def _finish(call: Call, claimed_at: datetime, found: Found) -> bool:
    """Write everything down and tell of it, if the claim is still ours."""
    row = (
        CallAnalysis.objects.select_for_update(of=("self",))
        .filter(call=call, status=S.RUNNING, claimed_at=claimed_at)
        .first()
    )
    if row is None:
        return False
    kept = _as_kept(call)
    words = {
        "summary": kept(found.summary),
        "success_reason": kept(found.success_reason),
        "note": kept(found.note),
        "data_json": kept("" if found.data is None else json.dumps(found.data)),
    }
    of_call = ("data", "disposition")
    values = {name: value for name, value in vars(found).items() if name not in of_call}
    values |= words | {"cost_microeuros": _cost(found), "finished_at": timezone.now()}
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(values))
    call.summary, call.disposition = kept(found.summary), found.disposition
    call.save(update_fields=["summary", "disposition"])
    report_call(call)
    transaction.on_commit(
        lambda: call_analysed.send_robust(
            sender=Call, call_id=call.pk, organization_id=call.organization_id
        ),
        robust=True,
    )
    return True


def _as_kept(call: Call) -> Callable[[str], str]:
    """Return what makes a text sealed when it is saved, if the call's content is."""
    policy = policy_for(call.agency_id, call.organization_id)
    return ToSeal if policy.seals_content else str


def _keep_discretion(call: Call, found: Found) -> None:
    """Take out of the findings, and of the call, what its policy lets nobody keep."""
    policy = policy_for(call.agency_id, call.organization_id)
    learned = names_learned(call, found.data, policy)
    if learned:
        unname(call, learned)
    hidden = policy.redacted, names_of(call, policy) | learned
    found.summary = redact(found.summary, *hidden).text
    found.success_reason = redact(found.success_reason, *hidden).text
    found.note = redact(found.note, *hidden).text
    found.data = redact_json(found.data, *hidden)


class _Again(Exception):
    """It did not work now and may in a moment."""


def _find(call: Call) -> Found:
    spec = spec_of(call)
    credentials = credentials_of(call.agency_id, call.organization_id)
    _transcribe(call, spec, credentials)
    material = _material(call, spec, credentials)
    if len(material.turns) < max(1, material.plan.min_messages_threshold):
        return Found(status=S.SKIPPED)
    choice = _choice(material, policy_for(call.agency_id, call.organization_id))
    found = (
        _extracted(material)
        if choice.provider == DEMO
        else asyncio.run(_thought(material, choice))
    )
    result = (found.data or {}).get(DISPOSITION)
    if result in material.plan.dispositions:
        found.disposition = result
    return found


def _transcribe(call: Call, spec: AssistantSpec, credentials: dict[str, Any]) -> None:
    """Have the recording written down first; what cannot be is no reason to stop."""
    try:
        transcribe(call, spec, credentials)
    except NotTranscribed as fault:
        if CallAnalysis.objects.get(call=call).attempts < MAX_ATTEMPTS:
            raise _Again(str(fault)) from fault
        give_up(call, str(fault))


def _material(call: Call, spec: AssistantSpec, credentials: dict[str, Any]) -> Material:
    plan = spec.analysis_plan or AnalysisPlan()
    turns = [(str(turn.speaker), turn.text) for turn in call.turns.all()]
    schema = plan.structured_data_plan
    return Material(
        spec,
        plan,
        turns,
        {
            "transcript": findings.transcript_of(turns),
            "duration": str(call.duration_ms // 1000),
            "caller_number": call.other_number,
            "ended_reason": call.end_reason,
            "assistant_name": spec.name,
            "schema": json.dumps(schema.json_schema) if schema else "",
            "summary": "",
        },
        credentials,
    )


def _choice(material: Material, policy: Policy) -> LLMChoice:
    """Return the first model that may see the call; the offline one when none may.

    The plan's own, else the after-call model of the assistant's provider, else the one
    it thinks with; behind a realtime model, whichever text model has a key.
    """
    for choice, chosen in _choices(material):
        provider = catalogue().find(Stage.LLM, choice.provider)
        if provider is not None:
            place = place_of(provider, provider.region_of(choice.model, chosen))
            if place.is_allowed(policy):
                return choice
    return LLMChoice(provider=DEMO, model="demo-1")


def _choices(material: Material) -> Iterator[tuple[LLMChoice, Mapping[str, Any]]]:
    plan, mind = material.plan, material.spec.llm_config
    provider = catalogue().find(Stage.LLM, plan.provider or mind.provider)
    if provider is None:
        for one in catalogue().stage(Stage.LLM):
            if one.key in material.credentials and one.default_model:
                yield _calm(one.id, plan.model or one.default_model), {}
        return
    is_own = provider.id == mind.provider
    chosen = mind.model_dump() if is_own else {}
    named = plan.model or provider.after_call_model
    if named:
        yield _calm(provider.id, named), chosen
    if not plan.model:
        yield (
            _calm(provider.id, mind.model if is_own else provider.default_model),
            chosen,
        )


def _calm(provider: str, model: str) -> LLMChoice:
    return LLMChoice(provider=provider, model=model, temperature=0)


def _extracted(material: Material) -> Found:
    plan = material.plan
    found = Found(provider=DEMO, model="demo-1", note=DEMO_NOTE)
    if plan.summary_plan.enabled:
        found.summary = findings.extracted_summary(material.turns)
    wanted = plan.structured_data_plan
    if wanted is not None and wanted.enabled:
        found.data = findings.extracted_data(material.turns, wanted.json_schema)
    return found


async def _thought(material: Material, choice: LLMChoice) -> Found:
    """Ask a model: first the summary, then the facts, then the judgement."""
    plan, found = material.plan, Found(provider=choice.provider, model=choice.model)
    ask = _Asking(material, choice, found)
    values = material.values
    if plan.summary_plan.enabled:
        found.summary = (await ask(findings.summary_messages(plan, values))).strip()
        values["summary"] = found.summary
    wanted = plan.structured_data_plan
    if wanted is not None and wanted.enabled:
        messages = findings.data_messages(plan, values)
        found.data = await ask.for_json(messages, wanted.json_schema)
    judged = plan.success_evaluation_plan
    if judged is not None and judged.enabled:
        criteria = judged.criteria or material.spec.llm_config.instructions[:4_000]
        messages = findings.success_messages(criteria, values)
        verdict = await ask.for_json(messages, findings.SUCCESS_SHAPE) or {}
        found.is_success = verdict.get("success")
        found.success_reason = verdict.get("reason", "")
    return found


class _Asking:
    """Questions to one model; counts what they take."""

    def __init__(self, material: Material, choice: LLMChoice, found: Found) -> None:
        self._material, self._choice, self._found = material, choice, found

    async def __call__(
        self, messages: findings.Messages, shape: dict[str, Any] | None = None
    ) -> str:
        from calls.vendors.errors import ProviderError
        from calls.vendors.thinking import think

        try:
            thought = await think(
                spec=self._material.spec,
                choice=self._choice,
                credentials=self._material.credentials,
                messages=messages,
                shape=shape,
            )
        except ProviderError as error:
            raise _Again(error.message[:300]) from error
        self._found.key_owner = str(thought.owner)
        self._found.input_tokens += thought.input_tokens
        self._found.output_tokens += thought.output_tokens
        return thought.text

    async def for_json(
        self, messages: findings.Messages, schema: dict[str, Any]
    ) -> dict[str, Any] | None:
        """An object that fits the schema: repaired once, else none, with a note."""
        shape = findings.strict_shape(schema)
        answer = await self(messages, shape)
        value, fault = findings.read_json(answer, schema)
        if fault:
            repair = findings.REPAIR_PROMPT.format(fault=fault, answer=answer[:20_000])
            answer = await self([*messages, ("user", repair)], shape)
            value, fault = findings.read_json(answer, schema)
        if fault:
            self._found.note = f"The model's answer did not fit the schema: {fault}"[
                :300
            ]
            return None
        found: dict[str, Any] = value
        return found


def _cost(found: Found) -> int:
    provider = catalogue().find(Stage.LLM, found.provider) if found.provider else None
    if provider is None:
        return 0
    prices = provider.prices_of(found.model)
    cost = found.input_tokens * prices.get(
        PriceUnit.PER_1M_INPUT_TOKENS, Decimal(0)
    ) + found.output_tokens * prices.get(PriceUnit.PER_1M_OUTPUT_TOKENS, Decimal(0))
    return round(cost)  # euros per million tokens are microeuros per token
