"""Where the data of an assistant's calls goes, over REST, as the page draws it."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from ninja import Router
from pydantic import BaseModel

from assistants.queries import get_assistant
from assistants.sovereignty import Content, Flow, is_allowed
from calls.flows import flows_of
from portal.api.access import api_requires
from portal.http import KeyRequest
from portal.permissions import Permission
from portal.policy import Policy
from portal.services.privacy import policy_of

router = Router(tags=["Assistants"])


class DataFlowJson(BaseModel):
    """One way out. `param` is the setting that opens it; `region` null is unknown."""

    param: str
    receiver: str | None
    purpose: str
    content: Content
    region: Literal["own", "eu", "non_eu"] | None
    is_fallback: bool
    is_allowed: bool


class DataFlows(BaseModel):
    """What the current version sends where, beside what stays on this installation."""

    data_flows: list[DataFlowJson]


@router.get("/{uuid:assistant_id}/data-flows", response=DataFlows)
@api_requires(Permission.ASSISTANTS_READ)
def list_data_flows(request: KeyRequest, assistant_id: UUID) -> dict[str, Any]:
    """Who receives sound or text of its calls, where that is, and whether it may be."""
    assistant = get_assistant(assistant_id)
    policy = policy_of(request.organization)
    return {"data_flows": [flow_json(flow, policy) for flow in flows_of(assistant)]}


def flow_json(flow: Flow, policy: Policy) -> dict[str, Any]:
    return {
        "param": flow.param,
        "receiver": flow.receiver or None,
        "purpose": str(flow.purpose),
        "content": flow.content,
        "region": flow.region,
        "is_fallback": flow.is_fallback,
        "is_allowed": is_allowed(flow, policy),
    }
