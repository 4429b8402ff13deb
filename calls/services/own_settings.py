"""Settings that belong to one call: a transient assistant, or a saved one overridden.

They are checked when the call starts and kept with it whole (`Call.overrides["spec"]`),
so that what a call runs on does not change under it. Its webhook, if it names one, is an
endpoint like any other; calls that name the same address, events and secret share it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from assistants.completion import completed
from assistants.spec import AssistantSpec
from assistants.spec_secrets import resealed, sealed
from calls.models import Call
from portal.models import Organization
from portal.webhooks.endpoints import follow_assistant

TRANSIENT_NAME = "Transient assistant"


@dataclass(frozen=True)
class OwnWebhook:
    """Where the events of one call go, if its settings say so."""

    url: str
    events: Sequence[str] | None = None
    secret: str | None = None

    def id_in(self, organization: Organization) -> UUID:
        """The same for the same address, events and secret."""
        secret = hashlib.sha256((self.secret or "").encode()).hexdigest()
        events = sorted(self.events) if self.events is not None else None
        return uuid5(organization.pk, json.dumps([self.url, events, secret]))


def kept_settings(
    *, organization: Organization, spec: AssistantSpec, webhook: OwnWebhook | None
) -> dict[str, Any]:
    """Return what a call's `overrides` hold for settings of its own.

    Makes the endpoint of its webhook; raises `OutboundError` for a bad address.
    """
    kept: dict[str, Any] = {"spec": sealed(spec, organization.pk)}
    if webhook is not None:
        webhook_id = webhook.id_in(organization)
        follow_assistant(
            organization=organization,
            assistant_id=webhook_id,
            url=webhook.url,
            events=webhook.events,
            secret=webhook.secret,
        )
        kept["webhook_id"] = str(webhook_id)
    return kept


def reseal_own_settings() -> int:
    """Seal anew what calls with settings of their own hold; return how many changed."""
    done = 0
    rows = Call._base_manager
    holding = rows.filter(overrides__has_key="spec")
    for call in holding.only("organization_id", "overrides").iterator(chunk_size=200):
        changed = resealed(call.overrides["spec"], call.organization_id)
        if changed is not None:
            overrides = {**call.overrides, "spec": changed}
            done += rows.filter(pk=call.pk, overrides=call.overrides).update(
                overrides=overrides
            )
    return done


def spec_of(call: Call) -> AssistantSpec:
    """Return the settings a call runs on: its own, or its version's."""
    own = call.overrides.get("spec")
    if own is not None:
        return AssistantSpec.model_validate(own)
    assert call.version is not None
    return call.version.spec


def offline_spec(spec: AssistantSpec) -> AssistantSpec:
    """Return the same assistant on the vendors that need no key and cost nothing."""
    values = spec.model_dump(mode="json", by_alias=True)
    llm = {
        name: values["llm_config"][name]
        for name in ("messages", "tools", "temperature")
        if name in values["llm_config"]
    }
    bare = {
        name: value
        for name, value in values.items()
        if name
        not in ("llm_config", "stt_config", "tts_config", "after_call_transcription")
    }
    return AssistantSpec.model_validate(completed({**bare, "llm_config": llm}, ()))
