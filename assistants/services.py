"""Saving assistants: each save makes a version, and no running call is touched."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from assistants.models import Assistant, AssistantVersion
from assistants.own_endpoint import follow_settings, forget_endpoint
from assistants.sovereignty import require_regions
from assistants.spec import AssistantSpec
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
    check_assistants(
        organization, Assistant.objects.filter(deleted_at__isnull=True).count()
    )
    assistant = Assistant.objects.create(organization=organization, name=spec.name)
    _add_version(assistant, spec, actor)
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
    *, assistant: Assistant, spec: AssistantSpec, actor: User | None
) -> AssistantVersion:
    """Make `spec` the version of the next call; saving the same again makes none.

    Locks the assistant, so that two savers get two version numbers. Raises
    `OutsideRegion`, and saves nothing, when the privacy policy forbids it.
    """
    locked = Assistant.objects.select_for_update(of=("self",)).get(pk=assistant.pk)
    current = locked.current_version
    if current is not None and current.spec == spec:
        return current
    version = _add_version(locked, spec, actor)
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


def _add_version(
    assistant: Assistant, spec: AssistantSpec, actor: User | None
) -> AssistantVersion:
    require_regions(assistant.organization, spec)
    last = assistant.versions.aggregate(last=Max("number"))["last"] or 0
    version = AssistantVersion.objects.create(
        organization=assistant.organization,
        assistant=assistant,
        number=last + 1,
        spec_json=spec.model_dump(mode="json", by_alias=True),
        created_by=actor,
    )
    Assistant.objects.filter(pk=assistant.pk).update(current_version=version)
    assistant.current_version = version
    return version
