"""The style guide: every component file, its documentation and its example.

Nothing is listed by hand. A file in `templates/components/` is a component; its leading
comment is its documentation; the file of the same name in `templates/styleguide/` is
its example, drawn with the values below. `tests/house/test_templates.py` fails for a
component without one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from django import forms
from django.conf import settings
from django.core.paginator import Paginator

from portal.models import Portal
from portal.statuses import known_statuses

_COMMENT: Final = re.compile(
    r"\{%\s*comment\s*%\}(.*?)\{%\s*endcomment\s*%\}", re.DOTALL
)
_TAG: Final = re.compile(r"\{%\s*templatetag\s+(open|close)block\s*%\}")


@dataclass(frozen=True)
class Component:
    """One file of `templates/components/`, as documented in its first comment."""

    name: str
    purpose: str
    context: str
    accessibility: str

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def example(self) -> str:
        """Path of the example's template."""
        return f"styleguide/{self.name}.html"


def component_files() -> list[Path]:
    """Every component's template, by name."""
    folder = Path(settings.BASE_DIR) / "templates" / "components"
    return sorted(folder.glob("*.html"))


def read_component(path: Path) -> Component:
    """Read a component's documentation; raise ValueError when a part is missing."""
    found = _COMMENT.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path.name} does not begin with a comment.")
    text = _TAG.sub(
        lambda match: "{%" if match[1] == "open" else "%}", found[1]
    ).strip()
    parts = re.split(r"^(Context|Accessibility):", text, flags=re.MULTILINE)
    if len(parts) != 5 or not all(part.strip() for part in parts):
        raise ValueError(
            f"{path.name} must state its purpose, Context: and Accessibility:."
        )
    return Component(path.stem, parts[0].strip(), parts[2].strip(), parts[4].strip())


class _ExampleForm(forms.Form):
    name = forms.CharField(help_text="What your team calls it.")
    language = forms.ChoiceField(choices=[("en", "English"), ("nl", "Nederlands")])
    pause_ms = forms.IntegerField(label="Pause", initial=500)
    instructions = forms.CharField(widget=forms.Textarea, required=False)
    parameters = forms.CharField(widget=forms.Textarea, required=False)
    first = forms.ChoiceField(
        label="Who speaks first",
        widget=forms.RadioSelect,
        choices=[("assistant", "The assistant"), ("user", "The caller")],
    )
    is_recorded = forms.BooleanField(label="Record calls", required=False)
    color = forms.CharField(widget=forms.TextInput(attrs={"type": "color"}))
    logo = forms.FileField(required=False)
    password = forms.CharField(widget=forms.PasswordInput)


class BrandPicker(forms.Form):
    """The brand inputs, to try a brand on the whole guide."""

    accent_color = forms.CharField(
        label="Accent",
        initial="#3b5bdb",
        widget=forms.TextInput(attrs={"type": "color"}),
    )
    neutral_hue_deg = forms.IntegerField(
        label="Hue of the greys",
        initial=250,
        widget=forms.NumberInput(attrs={"min": 0, "max": 360}),
    )
    radius = forms.ChoiceField(
        label="Corners", choices=Portal.Radius, initial=Portal.Radius.SOFT
    )
    font = forms.ChoiceField(choices=Portal.Font, initial=Portal.Font.SANS)
    density = forms.ChoiceField(
        choices=Portal.Density, initial=Portal.Density.COMFORTABLE
    )


def _changes() -> list[SimpleNamespace]:
    lines = [
        SimpleNamespace(kind="same", text="You are the front desk."),
        SimpleNamespace(kind="removed", text="Keep answers short."),
        SimpleNamespace(kind="added", text="Keep answers to one sentence."),
    ]
    return [
        SimpleNamespace(label="Instructions", before="a", after="b", lines=lines),
        SimpleNamespace(label="Freedom", before="0.7", after="0.2", lines=[]),
        SimpleNamespace(
            label="Tool check_order", before="", after="function", lines=[]
        ),
    ]


def _samples() -> dict[str, Any]:
    timing = {
        "response_ms": 910,
        "endpointing_ms": 500,
        "stt_ms": 90,
        "llm_ms": 120,
        "tts_ms": 110,
        "transport_ms": 90,
    }
    return {
        "sample_changes": _changes(),
        "statuses": known_statuses(),
        "timing": timing,
        "page": Paginator(range(300), 20).page(4),
        "values": [4, 6, 5, 9, 8, 12, 10, 14, 13, 17],
        "rows": [
            {"label": day, "value": value}
            for day, value in zip(
                ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
                (34, 52, 47, 61, 58, 12, 4),
                strict=True,
            )
        ],
        "places": [
            {
                "label": "Own servers",
                "flows": [_flow("This installation", "Carrying the call", "phone")],
            },
            {
                "label": "European Union",
                "flows": [_flow("Google Vertex", "Deciding what to say", "file")],
            },
            {
                "label": "Outside the European Union",
                "flows": [
                    _flow("Deepgram", "Hearing the caller", "mic", is_allowed=False),
                    _flow("OpenAI", "Speaking", "file", is_fallback=True),
                ],
            },
        ],
        "shares": [
            {"label": "Front desk", "percent": 24.5, "low": 20.5, "high": 29.0},
            {
                "label": "Front desk, shorter",
                "percent": 31.0,
                "low": 26.6,
                "high": 35.8,
            },
        ],
        "steps": [
            {"label": "Leads", "value": 20},
            {"label": "Dialed", "value": 18},
            {"label": "Answered", "value": 11},
            {"label": "Appointment made", "value": 4},
        ],
        "instructions": [
            "Open your carrier's list of numbers.",
            "Forward +31 20 123 4567 to sip:+31201234567@voice.example.com:5061.",
        ],
        "turns": [
            SimpleNamespace(
                speaker="assistant",
                text="Good morning, Acme Dental. How can I help you?",
                started_ms=120,
                ended_ms=2480,
                is_interrupted=False,
                timing=None,
            ),
            SimpleNamespace(
                speaker="user",
                text="I would like to make an appointment.",
                started_ms=3100,
                ended_ms=5020,
                is_interrupted=False,
                timing=None,
            ),
            SimpleNamespace(
                speaker="assistant",
                text="Of course. Is it for a check-up, or",
                started_ms=5930,
                ended_ms=7700,
                is_interrupted=True,
                timing=timing,
            ),
        ],
        "events": [
            {"title": "Call started", "at_ms": 0, "icon": "phone", "tone": "success"},
            {
                "title": "Tool called",
                "text": "check_calendar answered in 240 ms",
                "at_ms": 6100,
                "icon": "tool",
                "tone": "accent",
            },
            {"title": "Caller spoke over the assistant", "at_ms": 7700, "icon": "mic"},
            {
                "title": "Voice vendor slow",
                "text": "First sound after 1,900 ms",
                "at_ms": 9400,
                "icon": "alert",
                "tone": "warning",
            },
        ],
        "facts": [
            {"label": "Status", "status": "ended"},
            {"label": "Assistant", "value": "Front desk", "url": "#facts"},
            {"label": "Call", "value": "0198f2a4-7c1e", "mono": True},
            {"label": "Cost", "value": "0.14"},
        ],
        "choice_cards": [
            {
                "title": title,
                "text": text,
                "url": "#choice-cards",
                "is_current": title == "Orders",
            }
            for title, text in (
                ("Front desk", "Answers common questions, day and night."),
                ("Orders", "Helps customers with a delivery."),
                ("Nothing", "Write every word yourself."),
            )
        ],
        "tabs": [
            {"label": "All", "url": "#tabs", "is_current": True, "count": 300},
            {"label": "Live", "url": "#tabs", "is_current": False, "count": 1},
            {"label": "Failed", "url": "#tabs", "is_current": False, "count": ""},
        ],
        "nav_items": [
            SimpleNamespace(
                label=label, url="#navigation", icon=icon, is_current=now, group=group
            )
            for label, icon, now, group in (
                ("Overview", "dashboard", False, ""),
                ("Calls", "phone", True, "Operate"),
                ("Campaigns", "campaign", False, "Operate"),
            )
        ],
        "sample_organization": SimpleNamespace(name="Acme Dental"),
        "sample_organizations": [
            SimpleNamespace(name="Acme", url="#", is_current=False, kind="Agency"),
            SimpleNamespace(
                name="Acme Dental", url="#", is_current=True, kind="Client"
            ),
        ],
        "sample_messages": [
            SimpleMessage("Assistant saved.", "success"),
            SimpleMessage("The number could not be added.", "error"),
        ],
    }


@dataclass(frozen=True)
class Stage:
    """One colour scheme of the guide, with forms whose ids are its own."""

    name: str

    @property
    def form(self) -> forms.Form:
        initial = {"color": "#3b5bdb", "first": "assistant"}
        return _ExampleForm(prefix=self.name, initial=initial)

    @property
    def wrong_form(self) -> forms.Form:
        return _ExampleForm(data={}, prefix=f"{self.name}-wrong")


@dataclass(frozen=True)
class SimpleMessage:
    """A message as django.contrib.messages gives it."""

    text: str
    level_tag: str

    def __str__(self) -> str:
        return self.text


def context() -> dict[str, Any]:
    """Everything `ops/styleguide.html` is drawn from."""
    components = [read_component(path) for path in component_files()]
    return {
        "components": components,
        "brand_picker": BrandPicker(),
        "stages": (Stage("light"), Stage("dark")),
        "languages": settings.LANGUAGES,
        "sample_visit": SimpleNamespace(
            organization=SimpleNamespace(name="Harbour Dental"),
            may_write=False,
            ends_at=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
            reason="Help with the opening hours",
        ),
        "sample_steps": [
            {"label": "Waiting for DNS", "is_done": True},
            {"label": "Verified", "is_current": True},
            {"label": "Live"},
        ],
        "foot_brand": SimpleNamespace(
            legal_name="Acme Voice B.V.",
            support_email="help@acme.example",
            support_url="",
            terms_url="https://acme.example/terms",
            privacy_url="https://acme.example/privacy",
            shows_powered_by=True,
        ),
        **_samples(),
    }


def _flow(receiver: str, purpose: str, icon: str, **changes: bool) -> dict[str, Any]:
    return {
        "receiver": receiver,
        "purpose": purpose,
        "content": "Text",
        "icon": icon,
        "is_fallback": False,
        "is_allowed": True,
    } | changes
