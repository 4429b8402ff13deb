"""Changing an assistant from its pages, piece by piece, and never past a draft.

a draft is open       ▶ every change goes into it, until it is published or discarded
none, "save"          ▶ the change is the next version
none, "save as draft" ▶ a draft begins
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from assistants import services
from assistants.faults import NotSound, faults_of, require_sound
from assistants.models import Assistant, AssistantVersion
from assistants.services import working_spec
from assistants.spec import AssistantSpec
from assistants.spec_secrets import opened
from portal.models import User


@transaction.atomic
def keep_spec(
    *,
    assistant: Assistant,
    spec: AssistantSpec,
    actor: User | None,
    as_draft: bool = False,
) -> AssistantVersion | None:
    """Save what a page made; return the version, or None when it went into the draft.

    Locks the assistant, so that nobody begins a draft meanwhile. Raises `OutsideRegion`.
    """
    return _keep(_locked(assistant), spec, actor, as_draft=as_draft)


@transaction.atomic
def change_spec(
    *,
    assistant: Assistant,
    change: Callable[[AssistantSpec], AssistantSpec],
    about: str,
    actor: User | None,
) -> AssistantVersion | None:
    """Change one piece of what is worked on; return as `keep_spec` does.

    `change` gets the spec with its secrets opened, as it is under the lock: two people
    who change different tools at one moment both find theirs. What it raises, and
    `NotSound` for what is wrong with the fields that start with `about`, leaves
    everything as it was; what else is wrong was so before.
    """
    locked = _locked(assistant)
    spec = change(opened(working_spec(locked), locked.organization_id))
    if faults := [one for one in faults_of(spec) if one.param.startswith(about)]:
        raise NotSound(faults)
    return _keep(locked, spec, actor)


class DraftOvertaken(Exception):
    """A version was published after the draft had begun, and is not in it."""


@transaction.atomic
def publish(
    *, assistant: Assistant, actor: User | None, overwrites: bool = True
) -> AssistantVersion:
    """Make the draft the version of the next call, or raise `NotSound` and keep it.

    `DraftOvertaken` unless it `overwrites`: a page tells of the other version before,
    so whoever publishes there does so knowingly.
    """
    locked = _locked(assistant)
    if locked.is_draft_overtaken and not overwrites:
        raise DraftOvertaken
    require_sound(working_spec(locked))
    return services.publish_draft(assistant=locked, actor=actor)


@transaction.atomic
def keep_and_publish(
    *, assistant: Assistant, spec: AssistantSpec, actor: User | None
) -> AssistantVersion:
    """Save what a page made and publish it with the rest of the draft; both or neither."""
    keep_spec(assistant=assistant, spec=spec, actor=actor, as_draft=True)
    return publish(assistant=assistant, actor=actor)


@transaction.atomic
def restore(
    *, assistant: Assistant, version: AssistantVersion, actor: User | None
) -> AssistantVersion:
    """Make an earlier version the next one again, or raise `NotSound`.

    What has changed around it since may refuse it: a server of tools that was deleted, a
    key that was taken away, a stricter policy.
    """
    require_sound(version.spec)
    return services.restore_version(assistant=assistant, version=version, actor=actor)


def _locked(assistant: Assistant) -> Assistant:
    return Assistant.objects.select_for_update(of=("self",)).get(pk=assistant.pk)


def _keep(
    locked: Assistant,
    spec: AssistantSpec,
    actor: User | None,
    *,
    as_draft: bool = False,
) -> AssistantVersion | None:
    if as_draft or locked.has_draft:
        services.save_draft(assistant=locked, spec=spec, actor=actor)
        return None
    return services.save_assistant(assistant=locked, spec=spec, actor=actor)
