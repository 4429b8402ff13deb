"""The button on somebody's site: who may show it, who may start a call, how often."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assistants.models import Assistant
from calls.models import Call, VoiceNode, Widget
from calls.services.web import take_seat
from calls.services.widgets import (
    PASS_VALID_S,
    STARTS_PER_HOUR,
    WidgetRefused,
    remove_widget,
    save_widget,
)
from portal.models import AuditRecord
from portal.scope import all_organizations, organization_scope
from tests.world import House, browser

pytestmark = pytest.mark.django_db
SITE = "https://shop.example"


@pytest.fixture
def widget(bakery: House, node: VoiceNode) -> Widget:
    with organization_scope(bakery.organization):
        return save_widget(
            assistant=bakery.assistant, actor=None, sites=[SITE], title="Ask the baker"
        )[0]


def frame(house: House, widget: Widget, **headers: str) -> Any:
    visitor = Client(SERVER_NAME=house.host, headers=headers)
    return visitor.get(reverse("widget_frame", args=[widget.pk]))


def start_url(page: Any) -> str:
    [url] = re.findall(r'data-start-url="([^"]+)"', page.content.decode())
    return str(url)


def start(house: House, widget: Widget, **headers: str) -> Any:
    """Open the frame on a site and press its button, as a browser would."""
    url = start_url(frame(house, widget, referer=f"{SITE}/"))
    given = {"origin": f"http://{house.host}"} | headers
    return Client(SERVER_NAME=house.host, headers=given).post(url)


def calls_of(house: House) -> list[Call]:
    with organization_scope(house.organization):
        return list(Call.objects.order_by("created_at"))


def change(house: House, **values: Any) -> None:
    with organization_scope(house.organization):
        save_widget(assistant=house.assistant, actor=None, **values)


# -- the frame ---------------------------------------------------------------------------


def test_only_the_sites_named_may_frame_it(bakery: House, widget: Widget) -> None:
    page = frame(bakery, widget)
    assert page.status_code == 200
    assert "Ask the baker" in page.content.decode()
    policy = page["Content-Security-Policy"]
    assert f"frame-ancestors 'self' {SITE}" in policy
    assert "unsafe-inline" not in policy
    assert "X-Frame-Options" not in page
    assert "microphone=(self)" in page["Permissions-Policy"]
    assert page["Cache-Control"] == "no-store"
    assert not page.cookies


def test_every_other_page_stays_unframed(bakery: House, widget: Widget) -> None:
    page = browser(bakery, bakery.people["dora"]).get(
        reverse("assistant_widget", args=[bakery.assistant.pk])
    )
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


def test_the_frame_wears_the_portals_brand_and_names_no_owner(
    bakery: House, widget: Widget
) -> None:
    text = frame(bakery, widget).content.decode()
    assert "/brand" in text
    assert str(bakery.organization.pk) not in text
    assert bakery.organization.name not in text


@pytest.mark.parametrize("how", ["inactive", "assistant_off", "deleted", "removed"])
def test_a_widget_that_is_off_is_nowhere(
    bakery: House, widget: Widget, how: str
) -> None:
    url = start_url(frame(bakery, widget))
    with organization_scope(bakery.organization):
        mine = Assistant.objects.filter(pk=bakery.assistant.pk)
        match how:
            case "inactive":
                save_widget(assistant=bakery.assistant, actor=None, is_active=False)
            case "assistant_off":
                mine.update(is_active=False)
            case "deleted":
                mine.update(deleted_at=timezone.now())
            case _:
                remove_widget(widget=Widget.objects.get(), actor=None)
    assert frame(bakery, widget).status_code == 404
    visitor = Client(
        SERVER_NAME=bakery.host, headers={"origin": f"http://{bakery.host}"}
    )
    assert visitor.post(url).status_code == 404
    assert calls_of(bakery) == []


def test_another_portal_does_not_show_it(
    bakery: House, garage: House, widget: Widget
) -> None:
    assert frame(garage, widget).status_code == 404


# -- starting ----------------------------------------------------------------------------


def test_a_visitor_starts_a_call_of_the_owner(bakery: House, widget: Widget) -> None:
    answer = start(bakery, widget)
    assert answer.status_code == 201
    ticket = answer.json()
    assert "call_url" not in ticket
    [call] = calls_of(bakery)
    assert str(call.pk) == ticket["call_id"]
    assert (call.widget_id, call.direction) == (widget.pk, Call.Direction.WEB)
    assert (call.metadata, call.started_by) == ({"site": SITE}, None)
    seat = take_seat(call_id=call.pk, token=ticket["token"])
    assert seat.is_of_stranger


@pytest.mark.parametrize(
    "origin", ["", SITE, "null", "http://evil.example", "http://acme.localhost.evil"]
)
def test_no_page_of_another_site_starts_one(
    bakery: House, widget: Widget, origin: str
) -> None:
    answer = start(bakery, widget, origin=origin)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert calls_of(bakery) == []


def test_a_pass_is_for_one_widget_and_a_few_hours(
    bakery: House, acme: House, widget: Widget, time_machine: Any
) -> None:
    with organization_scope(acme.organization):
        other, _new = save_widget(assistant=acme.assistant, actor=None, sites=[SITE])
    here = Client(SERVER_NAME=bakery.host, headers={"origin": f"http://{bakery.host}"})
    url = start_url(frame(bakery, widget))
    assert here.post(url.replace(str(widget.pk), str(other.pk))).status_code == 403
    forged = signing.dumps([str(widget.pk), SITE], salt="something else")
    for ticket in (forged, "x", "a:b:c"):
        address = reverse("widget_start", args=[widget.pk, ticket])
        assert here.post(address).status_code == 403
    time_machine.move_to(timezone.now() + timedelta(seconds=PASS_VALID_S + 1))
    late = here.post(url)
    assert late.status_code == 403
    assert "Load it again" in late.json()["message"]
    assert calls_of(bakery) == []


def test_so_many_at_once_and_a_day(bakery: House, widget: Widget) -> None:
    change(bakery, max_live_calls=1)
    assert start(bakery, widget).status_code == 201
    busy = start(bakery, widget)
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "call_refused")
    with organization_scope(bakery.organization):
        Call.objects.update(status=Call.Status.ENDED)
        save_widget(assistant=bakery.assistant, actor=None, max_calls_per_day=2)
    assert start(bakery, widget).status_code == 201
    with organization_scope(bakery.organization):
        Call.objects.update(status=Call.Status.ENDED)
    assert start(bakery, widget).status_code == 409
    with organization_scope(bakery.organization):
        Call.objects.update(created_at=timezone.now() - timedelta(days=1, seconds=1))
    assert start(bakery, widget).status_code == 201


def test_one_address_starts_so_many_an_hour(bakery: House, widget: Widget) -> None:
    change(bakery, max_live_calls=100)
    answers = [start(bakery, widget).status_code for _ in range(STARTS_PER_HOUR + 1)]
    # The organization's own lines run out first; both are one answer to a stranger.
    assert answers[0] == 201
    assert answers[-1] == 409
    with organization_scope(bakery.organization):
        Call.objects.update(status=Call.Status.ENDED)
    assert start(bakery, widget).status_code == 409
    assert start(bakery, widget, x_forwarded_for="203.0.113.9").status_code == 201


def test_a_stranger_is_not_told_why(bakery: House, widget: Widget) -> None:
    with all_organizations("test"):
        type(bakery.organization).objects.filter(pk=bakery.organization.pk).update(
            status="suspended"
        )
    answer = start(bakery, widget)
    assert answer.status_code == 409
    assert "suspended" not in answer.content.decode().lower()
    assert calls_of(bakery) == []


# -- setting it up -----------------------------------------------------------------------


def test_it_is_set_up_by_a_form_and_its_code_copied(
    bakery: House, node: VoiceNode
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    address = reverse("assistant_widget", args=[bakery.assistant.pk])
    assert "Make the button" in dora.get(address).content.decode()
    values = {
        "title": "Talk to us",
        "note": "",
        "is_active": "on",
        "sites": "www.shop.example\n\nhttps://blog.example/post",
        "max_live_calls": "3",
        "max_calls_per_day": "50",
    }
    page = dora.post(address, values, follow=True)
    with organization_scope(bakery.organization):
        widget = Widget.objects.get()
        records = AuditRecord.objects.filter(action__startswith="widget.")
        assert [record.action for record in records] == ["widget.added"]
    assert widget.sites == ["https://www.shop.example", "https://blog.example"]
    assert (widget.max_live_calls, widget.max_calls_per_day) == (3, 50)
    text = page.content.decode()
    assert f"data-widget=&quot;{widget.pk}&quot;" in text
    assert "/static/js/widget.js" in text
    assert f"//{bakery.host}" in text
    gone = dora.post(reverse("assistant_widget_remove", args=[bakery.assistant.pk]))
    assert gone.status_code == 302
    with organization_scope(bakery.organization):
        assert not Widget.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sites", "http://shop.example"),
        ("sites", "https://a.example; script-src *"),
        ("sites", "\n".join(f"s{n}.example" for n in range(21))),
        ("title", ""),
        ("title", "x" * 61),
        ("note", "x" * 201),
        ("max_live_calls", "0"),
        ("max_live_calls", "99999"),
        ("max_calls_per_day", "-1"),
        ("max_calls_per_day", "many"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field(
    bakery: House, field: str, value: str
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    values = {"title": "T", "max_live_calls": "1", "max_calls_per_day": "1"}
    page = dora.post(
        reverse("assistant_widget", args=[bakery.assistant.pk]), values | {field: value}
    )
    assert page.status_code == 422
    assert page.context["form"].errors.keys() == {field}
    with organization_scope(bakery.organization):
        assert not Widget.objects.exists()


def test_the_service_refuses_what_the_forms_refuse(bakery: House) -> None:
    with organization_scope(bakery.organization):
        for field, value in (("sites", ["x"]), ("max_live_calls", 0)):
            with pytest.raises(WidgetRefused) as refused:
                save_widget(assistant=bakery.assistant, actor=None, **{field: value})
            assert refused.value.field == field
        assert not Widget.objects.exists()
