"""Secrets and money ask once more who it is; signing in a moment ago will do."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.urls import get_resolver, reverse

from billing.models import LedgerEntry
from portal.models import APIKey, Portal, Role
from portal.scope import all_organizations, organization_scope
from tests.house.test_access import patterns
from tests.world import PASSWORD, House, browser, join

# Address and what of the house is in it; who may do it; what stands in the form.
OF_CLIENTS: dict[str, dict[str, Any]] = {
    "api_key_list": {"name": "CRM"},
    "api_key_rotate": {"overlap": "0"},
    "webhook_new": {"url": "https://crm.example/hook"},
    "webhook_edit": {"url": "https://thief.example/hook"},
    "webhook_rotate": {},
    "trunk_new": {"name": "Main", "password": "hunter2"},
    "trunk_edit": {"password": "hunter2"},
    "trunk_delete": {},
    "mcp_server_new": {"name": "CRM", "headers": "Authorization: Bearer hunter2"},
    "mcp_server_edit": {"headers": "Authorization: Bearer hunter2"},
    "provider_key_edit": {"key": "sk-1234"},
    "provider_key_remove": {},
    "billing_recharge": {"is_on": "on"},
    "billing_card": {},
    "ownership_hand_over": {},
}
OF_AGENCIES: dict[str, dict[str, Any]] = {
    "mail_edit": {"smtp_password": "hunter2"},
    "sign_in_app_save": {"client_id": "1", "secret": "hunter2"},
    "sign_in_app_remove": {},
    "billing_grant": {"credits": "100"},
    "selling_stripe_key": {"secret_key": "sk_live_1"},
    "selling_stripe_tax": {},
    "selling_stripe_connect": {},
    "selling_stripe_disconnect": {},
}


@pytest.fixture(autouse=True)
def _no_guesses_of_other_tests() -> None:
    cache.clear()


def is_question(answer: Any) -> bool:
    return answer.status_code == 403 and b'name="sudo"' in answer.content


@pytest.mark.parametrize("name", OF_CLIENTS)
def test_a_clients_secrets_and_money_ask_again(bakery: House, name: str):
    dora = browser(bakery, bakery.people["dora"], is_fresh=False)
    # It asks before it looks whether there is such a thing.
    answer = dora.post(_address(name), OF_CLIENTS[name])
    assert is_question(answer)
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("name", OF_AGENCIES)
def test_an_agencys_secrets_and_money_ask_again(acme: House, bakery: House, name: str):
    alice = browser(acme, acme.people["alice"], is_fresh=False)
    kwargs: dict[str, Any] = {}
    if name == "billing_grant":
        kwargs = {"client_id": bakery.organization.pk}
    if name.startswith("sign_in_app"):
        kwargs = {"provider": "google"}
    assert is_question(alice.post(reverse(name, kwargs=kwargs), OF_AGENCIES[name]))


def _address(name: str) -> str:
    path = next(
        path
        for path, entry in patterns(get_resolver("config.urls"))
        if entry.name == name
    )
    kinds = re.findall(r"<(\w+):(\w+)>", path)
    values = {key: uuid4() if kind == "uuid" else "openai" for kind, key in kinds}
    return reverse(name, kwargs=values)


def test_the_right_password_does_what_was_asked_at_once(bakery: House):
    dora = browser(bakery, bakery.people["dora"], is_fresh=False)
    wish = {"name": "CRM & Co", "mode": "live", "preset": "full"}
    asked = dora.post(reverse("api_key_list"), wish)
    assert is_question(asked)
    assert b'name="name" value="CRM &amp; Co"' in asked.content
    with organization_scope(bakery.organization):
        assert not APIKey.objects.filter(name="CRM & Co").exists()
    done = dora.post(reverse("api_key_list"), {**wish, "sudo": PASSWORD})
    assert not is_question(done)
    # And it holds for a while: the next one is not asked about.
    assert not is_question(dora.post(reverse("api_key_list"), wish))


def test_a_wrong_password_does_nothing_and_says_so(acme: House, bakery: House):
    alice = browser(acme, acme.people["alice"], is_fresh=False)
    address = reverse("billing_grant", kwargs={"client_id": bakery.organization.pk})
    with all_organizations("counting"):
        before = LedgerEntry.objects.count()
    answer = alice.post(address, {"credits": "100", "memo": "", "sudo": "wrong"})
    assert is_question(answer)
    assert b'aria-invalid="true"' in answer.content
    assert b"wrong" not in answer.content
    with all_organizations("counting"):
        assert LedgerEntry.objects.count() == before


def test_guessing_is_stopped(bakery: House):
    dora = browser(bakery, bakery.people["dora"], is_fresh=False)
    answers = [
        dora.post(reverse("api_key_list"), {"name": "x", "sudo": f"guess {n}"})
        for n in range(12)
    ]
    assert answers[-1].status_code == 429
    # Not even the right one, now.
    late = dora.post(reverse("api_key_list"), {"name": "x", "sudo": PASSWORD})
    assert late.status_code == 429


def test_it_is_asked_again_after_a_while(bakery: House, settings: Any):
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    dora = browser(bakery, bakery.people["dora"])
    assert is_question(dora.post(reverse("api_key_list"), {"name": "x"}))


def test_who_may_not_do_it_is_not_asked(bakery: House):
    bob = browser(bakery, bakery.people["bob"], is_fresh=False)
    answer = bob.post(reverse("api_key_list"), {"name": "x"})
    assert answer.status_code == 403
    assert not is_question(answer)


def test_another_house_is_not_asked_about(acme: House, garage: House):
    alice = browser(acme, acme.people["alice"])
    address = reverse("billing_grant", kwargs={"client_id": garage.organization.pk})
    assert alice.post(address, {"credits": "1"}).status_code == 404
    assert alice.post(
        reverse("webhook_rotate", kwargs={"endpoint_id": uuid4()})
    ).status_code in (403, 404)


def test_reading_asks_nothing(acme: House):
    alice = browser(acme, acme.people["alice"], is_fresh=False)
    for name in ("api_key_list", "mail_edit", "selling_stripe"):
        assert alice.get(reverse(name)).status_code == 200


def test_somebody_without_a_password_signs_in_again(bakery: House):
    otto = join(bakery, "otto", Role.OWNER)
    otto.set_unusable_password()
    otto.save(update_fields=["password"])
    client = browser(bakery, otto, is_fresh=False)
    answer = client.post(
        reverse("api_key_list"),
        {"name": "x"},
        headers={"referer": f"http://{bakery.host}/settings/keys/"},
    )
    html = answer.content.decode()
    assert answer.status_code == 403
    assert 'name="sudo"' not in html
    assert 'value="/accounts/login/?next=/settings/keys/"' in html


def test_the_mail_form_is_saved_after_the_question(acme: House):
    alice = browser(acme, acme.people["alice"], is_fresh=False)
    form = {"from_name": "Acme", "transport": "platform", "sudo": PASSWORD}
    assert alice.post(reverse("mail_edit"), form).status_code in (302, 422)
    assert Portal.objects.filter(pk=acme.portal.pk).exists()
