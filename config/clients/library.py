"""What an agency built, given to its clients: to each new one, and to one at any time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self
from uuid import UUID

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from assistants.handing_out import copy_analyses, copy_assistants, copy_tools
from assistants.models import AnalysisTemplate, ToolTemplate
from assistants.queries import visible_assistants
from campaigns.models import Campaign
from campaigns.services.templates import assistants_of, copy_campaigns
from portal.models import Organization, Portal, User


@dataclass(frozen=True)
class Choice:
    """Which of an agency's things are copied, by id and in order."""

    assistants: tuple[UUID, ...] = ()
    tools: tuple[UUID, ...] = ()
    analyses: tuple[UUID, ...] = ()
    campaigns: tuple[UUID, ...] = ()

    @classmethod
    def of(cls, portal: Portal) -> Self:
        """Return what new clients of a portal get."""
        kept = {**portal.template_library, "assistants": portal.template_assistant_ids}
        return cls(
            **{
                field.name: tuple(UUID(text) for text in kept.get(field.name, ()))
                for field in fields(cls)
            }
        )

    def texts(self, name: str) -> list[str]:
        return [str(one) for one in getattr(self, name)]

    def keep_in(self, portal: Portal) -> None:
        """Put it on a portal that is then saved."""
        portal.template_assistant_ids = self.texts("assistants")
        portal.template_library = {
            field.name: self.texts(field.name)
            for field in fields(self)
            if field.name != "assistants"
        }


@dataclass(frozen=True)
class Copied:
    """How many of each came to a client."""

    assistants: int = 0
    tools: int = 0
    analyses: int = 0
    campaigns: int = 0

    @property
    def total(self) -> int:
        return self.assistants + self.tools + self.analyses + self.campaigns


class LibraryForm(forms.Form):
    """Things of the scope's agency to choose from."""

    assistants = forms.MultipleChoiceField(
        label=_("Assistants"), required=False, widget=forms.CheckboxSelectMultiple
    )
    tools = forms.MultipleChoiceField(
        label=_("Tools of the library"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    analyses = forms.MultipleChoiceField(
        label=_("Analyses of the library"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    campaigns = forms.MultipleChoiceField(
        label=_("Campaigns to start from"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Their settings and their assistant, without people. The client adds its "
            "own number and its own list."
        ),
    )

    def __init__(self, *args: Any, chosen: Choice | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered: dict[str, Any] = {
            "assistants": visible_assistants().filter(current_version__isnull=False),
            "tools": ToolTemplate.objects.all(),
            "analyses": AnalysisTemplate.objects.all(),
            "campaigns": Campaign.objects.all()[:100],
        }
        for name, rows in offered.items():
            field: Any = self.fields[name]
            field.choices = [(str(row.pk), row.name) for row in rows]
            if chosen is not None:
                self.initial[name] = chosen.texts(name)

    @property
    def has_anything(self) -> bool:
        """Whether there is anything to choose."""
        return any(field.choices for field in self.fields.values())  # type: ignore[attr-defined]  # all are ChoiceFields

    def choice(self) -> Choice:
        """Return what a valid form chose."""
        return Choice(
            **{
                name: tuple(UUID(text) for text in self.cleaned_data[name])
                for name in self.fields
            }
        )


@transaction.atomic
def copy_library(
    *, agency: Organization, client: Organization, choice: Choice, actor: User | None
) -> Copied:
    """Give a client its own copies of what was chosen; all of it or nothing.

    The assistant of a campaign comes along. What is gone by now is left out. Raises
    `PlanLimit` or `OutsideRegion`.
    """
    who: Any = {"agency": agency, "client": client, "actor": actor}
    needed = assistants_of(agency, choice.campaigns)
    ids = dict.fromkeys((*choice.assistants, *needed))
    assistants = copy_assistants(ids=ids, **who)
    return Copied(
        assistants=len(assistants),
        tools=copy_tools(ids=choice.tools, **who),
        analyses=copy_analyses(ids=choice.analyses, **who),
        campaigns=copy_campaigns(ids=choice.campaigns, assistants=assistants, **who),
    )


def copy_templates(
    *, agency: Organization, client: Organization, actor: User | None
) -> Copied:
    """Give a new client what its agency chose for every one of them."""
    portal = Portal.objects.filter(agency=agency).first()
    if portal is None:
        return Copied()
    return copy_library(
        agency=agency, client=client, choice=Choice.of(portal), actor=actor
    )
