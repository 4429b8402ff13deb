"""The writers of widgets, and what a stranger on somebody's site may start with one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from assistants.models import Assistant
from calls.errors import CallError
from calls.models import Call, Widget
from calls.services.web import StartedWebCall, start_web_call
from calls.sites import BadSite, parse_sites
from portal.models import User
from portal.rates import is_allowed
from portal.scope import all_organizations, organization_scope
from portal.services import audit

PASS_VALID_S: Final = (
    4 * 3_600
)  # how long a page may stand open before its button is used
STARTS_PER_HOUR: Final = 12  # of one address, with one widget
CHOICES: Final = (
    "title",
    "note",
    "sites",
    "is_active",
    "max_live_calls",
    "max_calls_per_day",
)
_SALT: Final = "calls.widget"


class WidgetRefused(ValueError):
    """A widget that cannot be; `field` names the choice at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class BadPass(CallError):
    """A start that did not come from a page of ours, or from one opened long ago."""


class NotNow(CallError):
    """A stranger's call that is not started. Why is its owner's to know, not theirs."""


@transaction.atomic
def save_widget(
    *, assistant: Assistant, actor: User | None, **choices: Any
) -> tuple[Widget, bool]:
    """Make the assistant's widget or change it; return it and whether it is new.

    Raises `WidgetRefused` and changes nothing. A change holds for the next visitor.
    """
    assert choices.keys() <= set(CHOICES)
    if "sites" in choices:
        try:
            choices["sites"] = parse_sites(choices["sites"])
        except BadSite as error:
            raise WidgetRefused("sites", str(error)) from error
    for name in ("max_live_calls", "max_calls_per_day"):
        if not 1 <= choices.get(name, 1) <= Widget.MOST_CALLS:
            raise WidgetRefused(name, _("Choose from 1 to 10,000."))
    row, is_new = Widget.objects.select_for_update().get_or_create(
        assistant=assistant,
        defaults={
            "organization": assistant.organization,
            "title": assistant.name[:60],
            **choices,
        },
    )
    changed = {
        name: value for name, value in choices.items() if getattr(row, name) != value
    }
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        row.save()
    if changed or is_new:
        audit.record(
            organization=assistant.organization,
            actor=actor,
            action="widget.added" if is_new else "widget.changed",
            target=row,
            changes=choices if is_new else changed,
        )
    return row, is_new


@transaction.atomic
def remove_widget(*, widget: Widget, actor: User | None) -> None:
    """Take the button from every site; calls it started go on and stay."""
    pk = widget.pk
    widget.delete()
    widget.pk = pk
    audit.record(
        organization=widget.organization,
        actor=actor,
        action="widget.removed",
        target=widget,
    )


def find_widget(*, widget_id: UUID, agency_id: UUID) -> Widget | None:
    """Return a widget that may be shown on this agency's portal now, with its assistant."""
    with all_organizations("a stranger's page names the widget; its owner follows"):
        return (
            Widget.objects.select_related("assistant", "organization__parent")
            .filter(
                pk=widget_id,
                agency_id=agency_id,
                is_active=True,
                assistant__is_active=True,
                assistant__deleted_at__isnull=True,
                assistant__current_version__isnull=False,
            )
            .first()
        )


def issue_pass(widget: Widget, *, site: str) -> str:
    """Return what the widget's page on a site shows to start a call; it opens nothing else."""
    return signing.dumps([str(widget.pk), site], salt=_SALT)


def site_of_pass(text: str, widget: Widget) -> str:
    """Return the site whose page of this widget got this; raise `BadPass` when none did."""
    try:
        found: Any = signing.loads(text, salt=_SALT, max_age=PASS_VALID_S)
    except signing.BadSignature as error:
        raise BadPass from error
    if found[0] != str(widget.pk):
        raise BadPass
    return str(found[1])


def start_from_widget(*, widget: Widget, address: str, site: str) -> StartedWebCall:
    """Start a stranger's call, or raise `NotNow`, `NotEnoughCredits` or `CallRefused`.

    Counted by the visitor's address, and under the widget's row against what it may
    have at once and in 24 hours, so that two visitors cannot share the last place.
    """
    if not is_allowed(
        "widget", f"{widget.pk} {address}", limit=STARTS_PER_HOUR, window_s=3_600
    ):
        raise NotNow
    with organization_scope(widget.organization), transaction.atomic():
        locked = Widget.objects.select_for_update(no_key=True).get(pk=widget.pk)
        day = timezone.now() - timedelta(days=1)
        calls = Call.objects.filter(widget=locked)
        if (
            calls.live().count() >= locked.max_live_calls
            or calls.filter(created_at__gte=day).count() >= locked.max_calls_per_day
        ):
            raise NotNow
        return start_web_call(
            organization=widget.organization,
            assistant=widget.assistant,
            actor=None,
            metadata={"site": site} if site else {},
            widget_id=widget.pk,
        )
