"""Own keys: checked with the vendor, sealed, used in order, and never shown again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection
from django.urls import reverse

from assistants import key_checks
from assistants.key_checks import KeyRefused, KeyUnchecked, check_key
from assistants.key_kinds import KINDS
from assistants.keys import Payer, keys_at_hand, own_keys, payers, remove_key, save_key
from assistants.models import ProviderKey
from calls.models import VoiceNode
from calls.services.equipment import key_owners
from calls.services.web import start_web_call
from portal.models import AuditRecord
from portal.scope import organization_scope
from tests.fakes.receiver import Receiver, Reply
from tests.world import House, browser, desk_spec

KEY = "sk-live-abcdefgh1234"


def keep(house: House, provider: str = "openai", **options: Any) -> ProviderKey:
    with organization_scope(house.organization):
        return save_key(
            organization=house.organization,
            provider=provider,
            api_key=options.pop("api_key", KEY),
            actor=None,
            **options,
        )


CONFIGS = {"azure": {"region": "westeurope"}}


@pytest.mark.parametrize(
    "provider",
    [n for n in KINDS if n not in ("google_vertex", "openai_compatible")],
)
def test_every_vendor_is_asked_once_with_the_key(vendor: Receiver, provider: str):
    kind = KINDS[provider]
    assert check_key(kind, KEY, CONFIGS.get(provider, {})).note == ""
    [asked] = vendor.received
    assert asked.method == "GET"
    assert asked.path == kind.path
    assert any(KEY in value for value in asked.headers.values())


def test_service_account_is_exchanged_for_a_token(vendor: Receiver):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    account = json.dumps({"client_email": "a@b.example", "private_key": pem})
    check_key(KINDS["google_vertex"], account, {"location": "eu"})
    [asked] = vendor.received
    assert asked.path == "/token"
    assert b"assertion=ey" in asked.body


@pytest.mark.parametrize(
    ("provider", "key", "config", "param"),
    [
        ("google_vertex", "{}", {}, "api_key"),
        ("google_vertex", "{}", {"location": "us-central1"}, "config.location"),
        ("openai", "short", {}, "api_key"),
        ("openai", "has a space in it", {}, "api_key"),
        ("openai", KEY, {"region": "x"}, "config.region"),
        ("azure", KEY, {}, "config.region"),
        ("azure", KEY, {"region": "x.evil.example/"}, "config.region"),
        ("openai_compatible", KEY, {}, "config.base_url"),
        (
            "openai_compatible",
            KEY,
            {"base_url": "https://10.0.0.1/v1"},
            "config.base_url",
        ),
    ],
)
def test_what_cannot_be_a_key_is_refused_without_asking(
    provider: str, key: str, config: dict[str, str], param: str
):
    with pytest.raises(KeyRefused) as refused:
        check_key(KINDS[provider], key, config)
    assert refused.value.param == param


def test_refusal_says_what_the_vendor_said_without_the_key(
    vendor: Receiver, bakery: House
):
    said = {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    vendor.replies = [Reply(401, json.dumps(said).encode())]
    with pytest.raises(KeyRefused) as refused:
        keep(bakery)
    assert str(refused.value) == (
        "OpenAI refused this key (status 401): Incorrect API key provided: …."
    )
    with organization_scope(bakery.organization):
        assert ProviderKey.objects.count() == 0


def test_vendor_that_is_away_leaves_things_as_they_are(
    vendor: Receiver, bakery: House, monkeypatch: pytest.MonkeyPatch
):
    keep(bakery, api_key="sk-live-the-first-one")
    monkeypatch.setattr(key_checks, "_TIMEOUT_S", 0.2)
    for reply in (Reply(503), Reply(hangs=True)):
        vendor.replies = [reply]
        with pytest.raises(KeyUnchecked):
            keep(bakery)
    with organization_scope(bakery.organization):
        assert ProviderKey.objects.get().secret == "sk-live-the-first-one"


def test_narrow_key_is_kept_with_a_note(vendor: Receiver, bakery: House):
    said = {"detail": {"status": "missing_permissions", "message": "No user_read."}}
    vendor.replies = [Reply(401, json.dumps(said).encode())]
    row = keep(bakery, "elevenlabs")
    assert (row.state, row.note) == ("limited", "The key is limited: No user_read.")


def test_key_is_sealed_where_it_is_kept(vendor: Receiver, bakery: House):
    row = keep(bakery)
    with connection.cursor() as cursor:
        cursor.execute("set app.agency = '*'; set app.organization = '*'")
        cursor.execute("select secret, last_four from assistants_providerkey")
        [(secret, last_four)] = cursor.fetchall()
    assert KEY not in secret
    assert last_four == "1234"
    with organization_scope(bakery.organization):
        assert ProviderKey.objects.get(pk=row.pk).secret == KEY
        assert KEY not in str(list(AuditRecord.objects.values_list("changes")))


def test_clients_key_goes_before_the_agencys_and_that_before_the_platforms(
    vendor: Receiver, acme: House, bakery: House, settings: Any
):
    settings.VENDOR_KEYS = {"openai": "sk-platform"}
    ids = bakery.organization.agency_id, bakery.organization.pk

    def payer() -> Payer | None:
        return payers(*ids).get("openai")

    assert payer() == Payer.PLATFORM
    keep(acme, api_key="sk-of-the-agency")
    assert payer() == Payer.PLATFORM  # not shared
    keep(acme, api_key="sk-of-the-agency", is_shared=True)
    assert payer() == Payer.AGENCY
    assert own_keys(*ids)["openai"].api_key == "sk-of-the-agency"
    keep(bakery)
    assert payer() == Payer.ORGANIZATION
    assert own_keys(*ids)["openai"].api_key == KEY
    with organization_scope(bakery.organization):
        remove_key(provider="openai", organization=bakery.organization, actor=None)
    assert payer() == Payer.AGENCY


def test_client_cannot_share_and_another_agency_sees_nothing(
    vendor: Receiver, acme: House, bakery: House, garage: House
):
    assert not keep(bakery, is_shared=True).is_shared
    keep(acme, "deepgram", is_shared=True)
    with organization_scope(garage.organization):
        assert keys_at_hand() == set()
    with organization_scope(bakery.organization):
        assert keys_at_hand() == {"openai", "deepgram"}


def test_call_keeps_whose_key_pays_each_stage(
    vendor: Receiver, acme: House, bakery: House, node: VoiceNode, settings: Any
):
    settings.VENDOR_KEYS = {"deepgram": "dg-platform"}
    keep(bakery)
    keep(acme, "elevenlabs", is_shared=True)
    values = desk_spec().model_dump()
    values["llm_config"] |= {"provider": "openai", "model": "gpt-5.4"}
    values["stt_config"] = {"provider": "deepgram", "model": "nova-3", "language": "en"}
    values["tts_config"] = {"provider": "elevenlabs", "voice_id": "x"}
    spec = type(desk_spec()).model_validate(values)
    house = bakery.organization
    assert key_owners(spec, payers(house.agency_id, house.pk)) == {
        "stt": "platform",
        "llm": "organization",
        "tts": "agency",
    }
    with organization_scope(bakery.organization):
        call = start_web_call(
            organization=bakery.organization, assistant=bakery.assistant, actor=None
        ).call
    assert call.key_owners == {}  # the offline providers cost nobody anything


def test_own_key_unlocks_its_provider_in_the_form(vendor: Receiver, bakery: House):
    page = browser(bakery, bakery.people["dora"])
    address = reverse("assistant_new")
    assert "gpt-5.4" not in page.get(address).content.decode()
    keep(bakery)
    assert "gpt-5.4" in page.get(address).content.decode()


# --- pages --------------------------------------------------------------------
def test_page_takes_a_key_and_never_shows_it(vendor: Receiver, bakery: House):
    page = browser(bakery, bakery.people["dora"])
    address = reverse("provider_key_edit", args=["openai"])
    assert page.post(address, {"api_key": KEY}).status_code == 302
    listed = page.get(reverse("provider_key_list")).content.decode()
    assert "••••1234" in listed
    assert KEY not in listed
    assert KEY not in page.get(address).content.decode()


def test_page_puts_a_refusal_beside_the_field(vendor: Receiver, bakery: House):
    vendor.replies = [Reply(403, b'{"message": "Account closed"}')]
    page = browser(bakery, bakery.people["dora"])
    answer = page.post(
        reverse("provider_key_edit", args=["deepgram"]), {"api_key": KEY}
    )
    assert answer.status_code == 422
    assert "Account closed" in answer.content.decode()
