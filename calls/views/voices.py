"""The gallery of voices: listen before you choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.http import require_GET

from assistants.catalogue import (
    GENDER_LABELS,
    Provider,
    Region,
    Stage,
    Voice,
    catalogue,
    is_available,
    label_of,
    language_name,
)
from assistants.keys import OwnKey, keys_at_hand, own_keys
from calls.services.voice_samples import NoSample, sample
from portal.http import MemberRequest
from portal.permissions import Permission, requires

PAGE_SIZE = 24
KEPT_FOR_S = 7 * 24 * 3600


@dataclass(frozen=True)
class Offer:
    """A voice as the gallery shows it."""

    voice: Voice
    provider: Provider
    provider_name: str
    language: str
    gender: str
    region: str
    is_available: bool

    @property
    def choice(self) -> str:
        return f"{self.provider.id}/{self.voice.id}"


@require_GET
@requires(Permission.ASSISTANTS_READ)
def voice_list(request: MemberRequest) -> HttpResponse:
    """Every voice that an assistant may have, filtered, each with a sample."""
    form = VoiceFilterForm(request.GET)
    chosen = form.chosen()
    offers = [offer for offer in _offers() if _fits(offer, chosen)]
    page = Paginator(offers, PAGE_SIZE).get_page(request.GET.get("page"))
    template = "calls/voice_list.html"
    if request.htmx and not request.htmx.boosted:
        template += "#rows"
    return render(
        request,
        template,
        {
            "page": page,
            "form": form,
            "is_filtered": any(chosen.values()),
            "language": chosen["language"],
        },
    )


@require_GET
@requires(Permission.ASSISTANTS_READ)
def voice_sample(
    request: MemberRequest, provider_id: str, voice_id: str
) -> HttpResponse:
    """One voice saying a sentence. The first time it takes a few seconds."""
    provider = catalogue().find(Stage.TTS, provider_id)
    voice = provider.voice(voice_id) if provider else None
    if provider is None or voice is None or not is_available(provider, keys_at_hand()):
        raise Http404("No such voice.")
    language = request.GET.get("language", "")[:10]
    try:
        sound = sample(provider, voice, language or "en", _own_keys(request))
    except NoSample as error:
        return HttpResponse(str(error), status=502, content_type="text/plain")
    response = HttpResponse(sound, content_type="audio/wav")
    response["Cache-Control"] = f"private, max-age={KEPT_FOR_S}"
    return response


def _own_keys(request: MemberRequest) -> dict[str, OwnKey]:
    organization = request.organization
    return own_keys(organization.agency_id, organization.pk)


def region_name(region: Region) -> str:
    """Return where a voice is made, in words."""
    names = {
        Region.OWN: gettext("This installation"),
        Region.EU: gettext("European Union"),
        Region.NON_EU: gettext("Outside the EU"),
    }
    return names[region]


class VoiceFilterForm(forms.Form):
    """What is looked for. Values that nobody offers are looked for in vain."""

    language = forms.ChoiceField(label=_("Language"), required=False)
    gender = forms.ChoiceField(label=_("Gender"), required=False)
    provider = forms.ChoiceField(label=_("Provider"), required=False)
    region = forms.ChoiceField(label=_("Where it is made"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stage = catalogue().stage(Stage.TTS)
        codes = {v.language for p in stage for v in p.voices}
        codes |= {code for p in stage for code in p.languages}
        languages = [(code, language_name(code)) for code in codes - {"multi"}]
        offered: dict[str, list[tuple[Any, Any]]] = {
            "language": sorted(languages, key=lambda choice: choice[1]),
            "gender": [(g.value, label) for g, label in GENDER_LABELS.items()],
            "provider": [(p.id, label_of(p)) for p in stage],
            "region": [(r.value, region_name(r)) for r in Region],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", gettext("Any")), *choices]

    def chosen(self) -> dict[str, str]:
        """Return the filters by name, empty where there is none."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


def _offers() -> list[Offer]:
    keys = keys_at_hand()
    offers = [
        Offer(
            voice=voice,
            provider=provider,
            language=language_name(voice.language),
            gender=str(GENDER_LABELS[voice.gender]),
            provider_name=label_of(provider),
            region=region_name(provider.region),
            is_available=is_available(provider, keys),
        )
        for provider in catalogue().stage(Stage.TTS)
        for voice in provider.voices
        if voice.is_installed
    ]
    return sorted(offers, key=lambda offer: not offer.is_available)


def _fits(offer: Offer, chosen: dict[str, str]) -> bool:
    voice, provider = offer.voice, offer.provider
    language = chosen["language"]
    speaks = voice.language == language or (
        voice.language == "multi" and provider.speaks(language)
    )
    return (
        (not language or speaks)
        and chosen["gender"] in ("", voice.gender)
        and chosen["provider"] in ("", provider.id)
        and chosen["region"] in ("", provider.region)
    )
