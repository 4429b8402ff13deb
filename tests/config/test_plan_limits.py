"""Every limit of a plan holds at every door, says so, and is shown beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from assistants.models import Assistant
from assistants.services import create_assistant
from calls.models import Call, PhoneNumber
from calls.services.web import start_web_call
from portal.limits import PlanLimit
from portal.models import Invitation, Organization
from portal.scope import all_organizations, organization_scope
from tests.api.conftest import ApiClient
from tests.world import House, browser, desk_spec


def limit(house: House, **values: int) -> None:
    with all_organizations("the test sets limits"):
        Organization.objects.filter(pk=house.organization.pk).update(**values)
    house.organization.refresh_from_db()


def rows_of(house: House, model: Any) -> int:
    with organization_scope(house.organization):
        return int(model.objects.count())


def a_call(house: House) -> None:
    """Leave a call that goes on and has lasted a minute."""
    with organization_scope(house.organization):
        call = start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call
        Call.objects.filter(pk=call.pk).update(billed_seconds=60)


@dataclass(frozen=True)
class Limit:
    """One limit: what it is set to, how to go beyond it, and what is then said."""

    value: int
    label: str  # as the plan shows it, full
    said: str
    model: Any
    api: Callable[[House], tuple[str, Any]]
    code: str
    status: int
    page: Callable[[House], tuple[str, Any]] | None = None
    before: Callable[[House], None] | None = None


def _web_call(house: House) -> tuple[str, Any]:
    return "/web-calls", {"assistant_id": str(house.assistant.pk)}


LIMITS = {
    "max_assistants": Limit(
        1,
        "Assistants",
        "room for 1 assistant.",
        Assistant,
        lambda house: ("/assistants", desk_spec(name="Two").model_dump(mode="json")),
        "plan_limit",
        403,
        lambda house: (reverse("assistant_duplicate", args=[house.assistant.pk]), {}),
    ),
    "max_numbers": Limit(
        1,
        "Numbers",
        "room for 1 number.",
        PhoneNumber,
        lambda house: ("/numbers", {"number": "+31201230000"}),
        "plan_limit",
        403,
        lambda house: (reverse("number_add"), {"number": "+31201230000"}),
    ),
    "max_members": Limit(
        2,
        "People",
        "room for 2 people",
        Invitation,
        lambda house: ("/invitations", {"email": "new@bakery.example"}),
        "plan_limit",
        403,
        lambda house: (
            reverse("member_add"),
            {"email": "new@bakery.example", "role": "viewer"},
        ),
    ),
    "max_concurrent_calls": Limit(
        1, "Calls at once", "lines", Call, _web_call, "too_many_calls", 429,
        before=a_call,
    ),
    "max_minutes_per_month": Limit(
        1, "Minutes this month", "minutes", Call, _web_call, "minutes_used_up", 429,
        before=a_call,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_one_more_is_refused_and_says_so(bakery: House, node: Any, name: str):
    one = LIMITS[name]
    if one.before:
        one.before(bakery)
    limit(bakery, **{name: one.value})
    before = rows_of(bakery, one.model)
    path, body = one.api(bakery)
    answer = ApiClient(bakery).post(path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        one.status,
        one.code,
    )
    assert one.said in answer.json()["error"]["message"]
    dora = browser(bakery, bakery.people["dora"])
    if one.page:
        page, form = one.page(bakery)
        said = dora.post(page, form, follow=True, headers={"referer": reverse("usage")})
        assert one.said in said.content.decode()
    assert rows_of(bakery, one.model) == before


@pytest.mark.parametrize("name", LIMITS)
def test_a_full_plan_is_shown_to_the_client_and_its_agency(
    acme: House, bakery: House, node: Any, name: str
):
    one = LIMITS[name]
    if one.before:
        one.before(bakery)
    limit(bakery, **{name: one.value})
    full = f"{one.value} of {one.value}"
    dora = browser(bakery, bakery.people["dora"])
    pages = [dora.get(reverse("usage"))]
    detail = reverse("client_detail", args=[bakery.organization.pk])
    pages.append(browser(acme, acme.people["alice"]).get(detail))
    for page in pages:
        html = page.content.decode()
        assert one.label in html
        assert full in html
    warned = "Your plan is almost full" in dora.get("/").content.decode()
    assert warned is (name != "max_concurrent_calls")


def test_more_is_not_asked_for_than_there_is(bakery: House):
    """Without limits only the calls at once are counted, and nobody is warned."""
    dora = browser(bakery, bakery.people["dora"])
    html = dora.get(reverse("usage")).content.decode()
    assert html.count('class="progress"') == 1
    assert "almost full" not in dora.get("/").content.decode()


def test_the_last_place_goes_to_one(bakery: House, transactional_db: None):
    limit(bakery, max_assistants=2)
    refused: list[str] = []
    together = Barrier(2)

    def make(name: str) -> None:
        try:
            with organization_scope(bakery.organization):
                together.wait()
                create_assistant(
                    organization=bakery.organization,
                    spec=desk_spec(name=name),
                    actor=None,
                )
        except PlanLimit as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=make, args=[name]) for name in ("One", "Two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert rows_of(bakery, Assistant) == 2
