"""The secrets of webhook functions: sealed in a version, masked for readers.

A version's JSON holds them sealed for its organization; the API and forms show a mask.
A tool that comes back with the mask keeps the secret its namesake had, so that what was
read can be sent back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final
from uuid import UUID

from assistants.spec import AssistantSpec, shape_name
from assistants.tool_shapes import FunctionTool
from portal.sealed import key_ring

MASK: Final = "••••••••"
_SEALED: Final = "sealed:"


def _context(organization_id: UUID) -> str:
    return f"assistants_assistantversion.spec_json:{organization_id}"


def _functions(spec_json: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for tool in spec_json.get("llm_config", {}).get("tools", ()):
        if tool.get("type") == "function" and tool.get("server", {}).get("secret"):
            yield tool


def sealed(
    spec: AssistantSpec, organization_id: UUID, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a spec's JSON as it is kept. `before`: where masked secrets come from.

    A secret that has not changed keeps its sealed text, so that an unchanged spec gives
    unchanged JSON. A mask without a secret behind it stands for no secret.
    """
    kept = {
        tool["function"]["name"]: tool["server"]["secret"]
        for tool in _functions(before or {})
    }
    values = spec.model_dump(mode="json", by_alias=True)
    for tool in _functions(values):
        given, there = tool["server"]["secret"], kept.get(tool["function"]["name"])
        if given == MASK or (there and given in (there, _open(there, organization_id))):
            tool["server"]["secret"] = there
        else:
            seal = key_ring().seal(given, _context(organization_id))
            tool["server"]["secret"] = _SEALED + seal
    return values


def _open(text: str, organization_id: UUID) -> str:
    if not text.startswith(_SEALED):
        return text
    return key_ring().unseal(text.removeprefix(_SEALED), _context(organization_id))


def resealed(values: Mapping[str, Any], organization_id: UUID) -> dict[str, Any] | None:
    """Return a spec's JSON with its secrets under the key that seals now.

    None when they are already, or it has none.
    """
    changed = deepcopy(dict(values))
    current = f"{_SEALED}{key_ring().primary}."
    older = [
        tool["server"]
        for tool in _functions(changed)
        if tool["server"]["secret"].startswith(_SEALED)
        and not tool["server"]["secret"].startswith(current)
    ]
    for server in older:
        text = _open(server["secret"], organization_id)
        server["secret"] = _SEALED + key_ring().seal(text, _context(organization_id))
    return changed if older else None


def reseal_specs() -> int:
    """Seal anew what versions and drafts hold; return how many of them changed."""
    from assistants.models import Assistant, AssistantVersion  # models import this

    return _reseal(AssistantVersion, "spec_json") + _reseal(Assistant, "draft_json")


def _reseal(model: Any, column: str) -> int:
    done = 0
    holding = model._base_manager.filter(**{f"{column}__llm_config__has_key": "tools"})
    for row in holding.only("organization_id", column).iterator(chunk_size=200):
        before = getattr(row, column)
        changed = resealed(before, row.organization_id)
        if changed is not None:  # a draft that somebody saved meanwhile stays theirs
            unchanged = model._base_manager.filter(pk=row.pk, **{column: before})
            done += unchanged.update(**{column: changed})
    return done


def masked(spec_json: Mapping[str, Any], *, shape: str = "") -> dict[str, Any]:
    """Return a spec's JSON without its secrets, every field of today's shape in it.

    `shape` is the one it was written in: what has today's is whole and is not read anew.
    """
    values = dict(spec_json)
    if shape != shape_name():
        spec = AssistantSpec.model_validate(spec_json)
        values = spec.model_dump(mode="json", by_alias=True)
    if any(_functions(values)):
        values["llm_config"] = deepcopy(values["llm_config"])
        for tool in _functions(values):
            tool["server"]["secret"] = MASK
    return values


def opened(spec: AssistantSpec, organization_id: UUID) -> AssistantSpec:
    """Return the spec with its secrets, for the process that signs with them."""
    tools = tuple(
        _with_secret(tool, _open(tool.server.secret, organization_id))
        if isinstance(tool, FunctionTool) and tool.server.secret
        else tool
        for tool in spec.llm_config.tools
    )
    llm = spec.llm_config.model_copy(update={"tools": tools})
    return spec.model_copy(update={"llm_config": llm})


def _with_secret(tool: FunctionTool, secret: str) -> FunctionTool:
    server = tool.server.model_copy(update={"secret": secret})
    return tool.model_copy(update={"server": server})
