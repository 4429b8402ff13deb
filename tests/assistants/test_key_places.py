"""An own key does not carry data out of the region, whatever it is called."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from assistants.key_places import Owner
from assistants.models import ProviderKey
from assistants.services import save_assistant
from assistants.sovereignty import OutsideRegion, data_flows, violations
from assistants.spec import AssistantSpec
from calls.errors import RegionRefused
from calls.models import Call, VoiceNode
from calls.services.running import pick_up
from calls.services.web import start_web_call
from portal.policy import Policy, RegionRule
from portal.scope import organization_scope
from portal.services.privacy import save_privacy
from tests.world import House, desk_spec

EU = Policy(regions=RegionRule.EU)
MIND = {"provider": "openai_compatible", "model": "own-1"}
VOICE = {"provider": "azure", "voice_id": "nl-NL-ColetteNeural"}


def spec_with(**changes: Any) -> AssistantSpec:
    values = desk_spec().model_dump(by_alias=True)
    for name, change in changes.items():
        values[name] = values[name] | change
    return AssistantSpec.model_validate(values)


def own_key(
    house: House, provider: str, *, is_shared: bool = False, **config: str
) -> None:
    with organization_scope(house.organization):
        ProviderKey.objects.create(
            organization=house.organization,
            provider=provider,
            secret="sk-own",
            config=config,
            is_shared=is_shared,
            checked_at=timezone.now(),
        )


def faults(house: House, spec: AssistantSpec, policy: Policy = EU) -> list[str]:
    with organization_scope(house.organization):
        return [fault.param for fault in violations(spec, policy)]


def test_the_operators_own_server_is_inside(bakery: House) -> None:
    spec = spec_with(llm_config=MIND)
    assert faults(bakery, spec) == []
    assert faults(bakery, spec, Policy(regions=RegionRule.OWN)) == []


def test_a_clients_own_server_is_where_its_address_leads(bakery: House) -> None:
    own_key(bakery, "openai_compatible", base_url="https://models.example/v1")
    spec = spec_with(llm_config=MIND)
    assert faults(bakery, spec) == ["llm_config"]
    declared = Policy(
        regions=RegionRule.OWN, trusted_hosts=frozenset({"models.example"})
    )
    assert faults(bakery, spec, declared) == []
    with organization_scope(bakery.organization):
        (flow,) = [one for one in data_flows(spec) if one.param == "llm_config"]
    assert (flow.receiver, flow.region) == ("models.example", None)


def test_so_is_one_that_its_agency_shares(acme: House, bakery: House) -> None:
    own_key(
        acme, "openai_compatible", is_shared=True, base_url="https://models.example/v1"
    )
    assert faults(bakery, spec_with(llm_config=MIND)) == ["llm_config"]


def test_a_fallback_counts_as_well(bakery: House) -> None:
    own_key(bakery, "openai_compatible", base_url="https://models.example/v1")
    spec = spec_with(llm_config={"fallbacks": [MIND]})
    assert faults(bakery, spec) == ["llm_config.fallbacks[0]"]


@pytest.mark.parametrize(
    ("region", "is_inside"),
    [
        ("westeurope", True),
        ("NorthEurope", True),
        ("eastus", False),
        ("uksouth", False),
        ("switzerlandnorth", False),
        ("norwayeast", False),
        ("", False),
    ],
)
def test_azure_computes_in_the_region_of_the_key(
    bakery: House, region: str, is_inside: bool
) -> None:
    own_key(bakery, "azure", region=region)
    spec = spec_with(tts_config=VOICE)
    assert faults(bakery, spec) == ([] if is_inside else ["tts_config"])


def test_the_platforms_key_of_azure_is_looked_at_too(
    bakery: House, settings: Any
) -> None:
    spec = spec_with(tts_config=VOICE)
    assert faults(bakery, spec) == []
    settings.VENDOR_SETTINGS = {"azure": {"region": "eastus"}}
    assert faults(bakery, spec) == ["tts_config"]


def test_a_key_of_somebody_else_changes_nothing(bakery: House, garage: House) -> None:
    own_key(garage, "openai_compatible", base_url="https://models.example/v1")
    assert faults(bakery, spec_with(llm_config=MIND)) == []


def test_a_scope_of_everything_has_no_keys(bakery: House) -> None:
    from portal.scope import all_organizations

    spec = spec_with(llm_config=MIND)
    with all_organizations("test"):
        with pytest.raises(ValueError, match="one organization"):
            violations(spec, EU)
        owner = Owner(bakery.organization.agency_id, bakery.organization.pk)
        assert violations(spec, EU, owner) == []


def test_an_assistant_from_before_the_key_starts_no_call(
    bakery: House, node: VoiceNode, settings: Any
) -> None:
    settings.VENDOR_BASE_URLS = {"openai": "http://127.0.0.1:1"}
    organization = bakery.organization
    with organization_scope(organization):
        save_privacy(organization=organization, actor=None, regions="eu")
        spec = spec_with(llm_config=MIND)
        save_assistant(assistant=bakery.assistant, spec=spec, actor=None)
        bakery.assistant.refresh_from_db()
        call = start_web_call(
            organization=organization, assistant=bakery.assistant, actor=None
        ).call
    own_key(bakery, "openai_compatible", base_url="https://models.example/v1")
    order = pick_up(call_id=call.pk, node_id=node.pk)
    assert order is not None
    assert "models.example" in order.refusal  # nothing is said
    with organization_scope(organization):
        with pytest.raises(RegionRefused):
            start_web_call(
                organization=organization, assistant=bakery.assistant, actor=None
            )
        with pytest.raises(OutsideRegion):
            save_assistant(
                assistant=bakery.assistant,
                spec=spec.model_copy(update={"name": "Again"}),
                actor=None,
            )
        assert Call.objects.count() == 1
