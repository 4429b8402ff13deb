"""Where the data of an assistant's calls goes, and whether the policy lets it.

Every stage counts, every fallback, every address a tool or a webhook names, and whom
callers are handed to (`assistants.handovers`). Which carrier brings the calls depends on
their number: `calls.ways`. The
catalogue knows where a vendor computes, unless somebody's own key decides it
(`assistants.key_places`). Where a customer's own address leads nobody can know, so under
a rule stricter than "anywhere" its host must be one that the organization has declared
(`PrivacySettings.trusted_hosts`). What is unknown is outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from assistants.catalogue import (
    CatalogueError,
    Region,
    Stage,
    catalogue,
    label_of,
    regions_of,
)
from assistants.handovers import Handover, handovers
from assistants.key_places import Owner, Place, place_of
from assistants.models import McpServer
from assistants.spec import AssistantSpec
from assistants.tool_shapes import FunctionTool, McpTool
from common.http.addresses import host_of
from portal.models import Organization
from portal.policy import Policy, RegionRule
from portal.services.privacy import policy_of


class Content(StrEnum):
    """What is sent."""

    AUDIO = "audio"
    TEXT = "text"
    AUDIO_AND_TEXT = "audio_and_text"
    METADATA_AND_TEXT = "metadata_and_text"
    CALL = "call"


@dataclass(frozen=True)
class Flow:
    """One way out: the config that opens it, who receives what, and where that is.

    `region` is None for an address nobody can place.
    """

    param: str
    receiver: str
    content: Content
    region: Region | None
    purpose: str | Promise
    is_fallback: bool = False
    handover: Handover | None = None  # to a person, for whom other rules hold


class OutsideRegion(ValueError):
    """An assistant that sends data where the policy does not let it."""

    def __init__(self, faults: list[CatalogueError]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


# Lazy: most looks at the flows end with "all of them may", and nobody reads the words.
_STAGES = {
    "stt_config": (Stage.STT, Content.AUDIO, gettext_lazy("Hearing the caller")),
    "llm_config": (Stage.LLM, Content.TEXT, gettext_lazy("Deciding what to say")),
    "tts_config": (Stage.TTS, Content.TEXT, gettext_lazy("Speaking")),
    "after_call_transcription": (
        Stage.STT,
        Content.AUDIO,
        gettext_lazy("Transcript after the call"),
    ),
    "analysis_plan": (
        Stage.LLM,
        Content.TEXT,
        gettext_lazy("Looking at the call afterwards"),
    ),
}
_REALTIME = gettext_lazy("Hearing, deciding and speaking")
_EVENTS = gettext_lazy("Events of calls")
_HANDOVER = gettext_lazy("Taking over the call")
_MCP = gettext_lazy("Tools of an MCP server")


def data_flows(spec: AssistantSpec, owner: Owner | None = None) -> list[Flow]:
    """Return every way data takes out of a call, vendors first, then addresses.

    Where the assistant names servers of tools, they are looked up in the scope. `owner`
    is whose keys its calls use: without one, that of the organization in scope.
    """
    return list(_flows(spec, owner))


def _flows(spec: AssistantSpec, owner: Owner | None) -> Iterator[Flow]:
    for path, region in regions_of(spec).items():
        yield _vendor_flow(spec, path, region, owner)
    for param, url, purpose in _addresses(spec):
        yield Flow(param, host_of(url), Content.METADATA_AND_TEXT, None, purpose)
    for one in handovers(spec):
        yield Flow(
            one.param,
            one.receiver or one.address,
            Content.CALL,
            one.region,
            _HANDOVER,
            handover=one,
        )


def _vendor_flow(
    spec: AssistantSpec, path: str, region: Region, owner: Owner | None
) -> Flow:
    block, _dot, rest = path.partition(".")
    stage, content, purpose = _STAGES[block]
    config = getattr(spec, block)
    if rest:
        config = config.fallbacks[int(rest[len("fallbacks[") : -1])]
    name = config.provider
    found = (
        catalogue().find_mind(name)
        if stage is Stage.LLM
        else catalogue().find(stage, name)
    )
    if block == "llm_config" and found is not None and found.is_realtime:
        content, purpose = Content.AUDIO_AND_TEXT, _REALTIME
    place = place_of(found, region, owner) if found else Place(region)
    return Flow(
        path,
        place.host or (label_of(found) if found else name),
        content,
        place.region,
        purpose,
        is_fallback=bool(rest),
    )


def _addresses(spec: AssistantSpec) -> Iterator[tuple[str, str, str | Promise]]:
    servers = _server_urls(spec)
    if spec.webhook_url:
        yield "webhook_url", spec.webhook_url, _EVENTS
    for index, tool in enumerate(spec.llm_config.tools):
        param = f"llm_config.tools[{index}]"
        if isinstance(tool, FunctionTool) and tool.server.url:
            yield f"{param}.server.url", tool.server.url, tool.name
        elif isinstance(tool, McpTool):
            url = servers.get(tool.mcp_server_id, "")
            yield f"{param}.mcp_server_id", url, _MCP


def _server_urls(spec: AssistantSpec) -> dict[UUID, str]:
    ids = [t.mcp_server_id for t in spec.llm_config.tools if isinstance(t, McpTool)]
    if not ids:
        return {}
    return dict(McpServer.objects.filter(pk__in=ids).values_list("pk", "url"))


def violations(
    spec: AssistantSpec, policy: Policy, owner: Owner | None = None
) -> list[CatalogueError]:
    """Return every flow that the policy forbids, by the field that opens it."""
    return list(_violations(spec, policy, owner))


def first_violation(
    spec: AssistantSpec, policy: Policy, owner: Owner | None = None
) -> CatalogueError | None:
    """Return the first of them, and look no further: what a call's start asks."""
    return next(_violations(spec, policy, owner), None)


def _violations(
    spec: AssistantSpec, policy: Policy, owner: Owner | None
) -> Iterator[CatalogueError]:
    if policy.regions is RegionRule.ANYWHERE:
        return
    for flow in _flows(spec, owner):
        if not is_allowed(flow, policy):
            yield CatalogueError(flow.param, refusal(flow, policy))


def is_allowed(flow: Flow, policy: Policy) -> bool:
    """Whether the policy lets data take this way."""
    if flow.handover is not None:
        return flow.handover.is_allowed(policy)
    if policy.regions is RegionRule.ANYWHERE:
        return True
    if flow.region is not None:
        return policy.regions.allows(flow.region)
    return policy.allows_host(flow.receiver)


def refusal(flow: Flow, policy: Policy) -> str:
    """Return why the policy forbids this way, which it does."""
    if flow.handover is not None:
        return flow.handover.refusal
    names = {"receiver": flow.receiver or _("this address")}
    if flow.region is None:
        return (
            _(
                "%(receiver)s is not among the hosts that your privacy settings declare "
                "to be in the allowed region."
            )
            % names
        )
    if policy.regions is RegionRule.EU:
        return _("%(receiver)s takes the data out of the European Union.") % names
    return _("%(receiver)s takes the data off your own servers.") % names


def require_regions(organization: Organization, spec: AssistantSpec) -> None:
    """Raise `OutsideRegion` unless the organization's policy allows every flow."""
    owner = Owner(organization.agency_id, organization.pk)
    if faults := violations(spec, policy_of(organization), owner):
        raise OutsideRegion(faults)
