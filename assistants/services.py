"""Saving assistants: each save makes a version, and no running call is touched."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from assistants.models import Assistant, AssistantVersion
from assistants.own_endpoint import follow_settings, forget_endpoint
from assistants.sovereignty import require_regions
from assistants.spec import AssistantSpec, shape_name
from assistants.spec_secrets import opened, sealed
from portal.limits import check_assistants
from portal.models import Organization, User
from portal.services import audit


@transaction.atomic
def create_assistant(
    *, organization: Organization, spec: AssistantSpec, actor: User | None
) -> Assistant:
    """Create an assistant with its first version, ready for calls.

    Raises `OutsideRegion`, and leaves nothing, when the privacy policy forbids it, and
    `PlanLimit` when the organization has as many as it may.
    """
    check_assistants(organization, Assistant.objects.filter(deleted_at__isnull=True))
    assistant = Assistant.objects.create(organization=organization, name=spec.name)
    _add_version(assistant, sealed(spec, organization.pk), actor)
    follow_settings(assistant=assistant, spec=spec, actor=actor)
    audit.record(
        organization=organization,
        actor=actor,
        action="assistant.created",
        target=assistant,
        changes={"name": spec.name},
    )
    return assistant


@transaction.atomic
def save_assistant(
    *,
    assistant: Assistant,
    spec: AssistantSpec,
    actor: User | None,
    clears_draft: bool = False,
    restored_from: int | None = None,
) -> AssistantVersion:
    """Make `spec` the version of the next call; saving the same again makes none.

    Locks the assistant, so that two savers get two version numbers. Raises
    `OutsideRegion`, and saves nothing, when the privacy policy forbids it.
    `clears_draft`: the spec holds what the draft held.
    """
    locked = Assistant.objects.select_for_update(of=("self",)).get(pk=assistant.pk)
    if clears_draft and locked.draft_json is not None:
        spec = _with_secrets_of(locked, spec)
        _set_draft(locked, None, None)
    current = locked.current_version
    spec_json = sealed(spec, locked.organization_id, _spec_json(locked))
    if current is not None and AssistantSpec.model_validate(spec_json) == current.spec:
        return current
    version = _add_version(locked, spec_json, actor, restored_from)
    follow_settings(assistant=locked, spec=spec, actor=actor)
    Assistant.objects.filter(pk=locked.pk).update(
        name=spec.name, updated_at=timezone.now()
    )
    audit.record(
        organization=locked.organization,
        actor=actor,
        action="assistant.saved",
        target=locked,
        changes={"version": version.number},
    )
    return version


def working_spec(assistant: Assistant) -> AssistantSpec:
    """Return what somebody edits: the draft, else the current version; secrets sealed."""
    if assistant.draft_json is not None:
        return AssistantSpec.model_validate(assistant.draft_json)
    assert assistant.current_version is not None
    return assistant.current_version.spec


@transaction.atomic
def save_draft(
    *, assistant: Assistant, spec: AssistantSpec, actor: User | None
) -> None:
    """Keep `spec` as the draft, which no call uses; the same as published is no draft."""
    locked = Assistant.objects.select_for_update(of=("self",)).get(pk=assistant.pk)
    before = locked.draft_json or _spec_json(locked)
    draft = sealed(spec, locked.organization_id, before)
    current = locked.current_version
    if current is not None and AssistantSpec.model_validate(draft) == current.spec:
        _set_draft(locked, None, None)
    else:
        _set_draft(locked, draft, actor)
    assistant.draft_json = locked.draft_json
    assistant.draft_base = locked.draft_base


@transaction.atomic
def publish_draft(*, assistant: Assistant, actor: User | None) -> AssistantVersion:
    """Make the draft the version of the next call; without one, nothing changes.

    Locks the assistant first: what is published is the draft as it is then.
    """
    locked = Assistant.objects.select_for_update(of=("self",)).get(pk=assistant.pk)
    return save_assistant(
        assistant=locked, spec=working_spec(locked), actor=actor, clears_draft=True
    )


@transaction.atomic
def discard_draft(*, assistant: Assistant, actor: User | None) -> None:
    """Forget the draft; a second time changes nothing."""
    if Assistant.objects.filter(pk=assistant.pk, draft_json__isnull=False).exists():
        _set_draft(assistant, None, None)
        audit.record(
            organization=assistant.organization,
            actor=actor,
            action="assistant.draft_discarded",
            target=assistant,
        )


@transaction.atomic
def restore_version(
    *, assistant: Assistant, version: AssistantVersion, actor: User | None
) -> AssistantVersion:
    """Make an earlier version the next one again; numbers only go up."""
    spec = opened(version.spec, assistant.organization_id)
    return save_assistant(
        assistant=assistant, spec=spec, actor=actor, restored_from=version.number
    )


@transaction.atomic
def duplicate_assistant(
    *, assistant: Assistant, name: str, actor: User | None
) -> Assistant:
    """Make another assistant of the current version, secrets included."""
    assert assistant.current_version is not None
    spec = opened(assistant.current_version.spec, assistant.organization_id)
    return create_assistant(
        organization=assistant.organization,
        spec=spec.model_copy(update={"name": name[:120]}),
        actor=actor,
    )


@transaction.atomic
def set_active(*, assistant: Assistant, is_active: bool, actor: User | None) -> None:
    """Let an assistant take calls, or not; calls going on are not touched."""
    if (
        Assistant.objects.filter(pk=assistant.pk)
        .exclude(is_active=is_active)
        .update(is_active=is_active, updated_at=timezone.now())
    ):
        audit.record(
            organization=assistant.organization,
            actor=actor,
            target=assistant,
            action="assistant.activated" if is_active else "assistant.deactivated",
        )


@transaction.atomic
def delete_assistant(*, assistant: Assistant, actor: User | None) -> None:
    """Hide an assistant. Its calls keep their version; a second deletion changes nothing."""
    if Assistant.objects.filter(pk=assistant.pk, deleted_at__isnull=True).update(
        deleted_at=timezone.now(), is_active=False
    ):
        forget_endpoint(assistant=assistant, actor=actor)
        audit.record(
            organization=assistant.organization,
            actor=actor,
            action="assistant.deleted",
            target=assistant,
            changes={"name": assistant.name},
        )


def _spec_json(assistant: Assistant) -> dict[str, Any] | None:
    version = assistant.current_version
    return version.spec_json if version is not None else None


def _with_secrets_of(assistant: Assistant, spec: AssistantSpec) -> AssistantSpec:
    """Give masked and kept secrets of a draft their text, as its seals are not the version's."""
    values = sealed(spec, assistant.organization_id, assistant.draft_json)
    return opened(AssistantSpec.model_validate(values), assistant.organization_id)


def _set_draft(
    assistant: Assistant, draft: dict[str, Any] | None, actor: User | None
) -> None:
    if draft is None:
        assistant.draft_base = None
    elif assistant.draft_json is None and assistant.current_version is not None:
        assistant.draft_base = assistant.current_version.number
    assistant.draft_json = draft
    assistant.draft_at = timezone.now() if draft is not None else None
    assistant.draft_by = actor if draft is not None else None
    assistant.save(update_fields=["draft_json", "draft_at", "draft_by", "draft_base"])


def _add_version(
    assistant: Assistant,
    spec_json: dict[str, Any],
    actor: User | None,
    restored_from: int | None = None,
) -> AssistantVersion:
    require_regions(assistant.organization, AssistantSpec.model_validate(spec_json))
    last = assistant.versions.aggregate(last=Max("number"))["last"] or 0
    version = AssistantVersion.objects.create(
        organization=assistant.organization,
        assistant=assistant,
        number=last + 1,
        spec_json=spec_json,
        shape=shape_name(),
        restored_from=restored_from,
        created_by=actor,
    )
    Assistant.objects.filter(pk=assistant.pk).update(current_version=version)
    assistant.current_version = version
    return version
