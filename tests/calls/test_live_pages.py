"""The page of a live call: steering it, listening in, and who may; and the list as a file."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.urls import reverse
from django.utils import timezone

from calls.errors import BadCallToken, CallNotActive
from calls.models import Call, CallEvent, RecordingConsent, VoiceNode
from calls.services.listening import (
    note_given_back,
    note_take_over,
    start_listening,
    take_listening_seat,
)
from calls.session.events import GivenBack
from common.ids import uuid7
from portal.models import AuditRecord, Role
from portal.scope import organization_scope
from tests.world import House, browser, join


def stored(house: House, node: VoiceNode | None = None, **values: Any) -> Call:
    defaults: dict[str, Any] = {
        "direction": "inbound",
        "carrier": "sip",
        "status": "in-progress",
        "caller_number": "+31612345678",
        "callee_number": house.number.number,
    }
    with organization_scope(house.organization):
        return Call.objects.create(
            organization=house.organization,
            assistant=house.assistant,
            version=house.assistant.current_version,
            node=node,
            **(defaults | values),
        )


def actions(house: House) -> list[str]:
    with organization_scope(house.organization):
        return list(
            AuditRecord.objects.filter(action__startswith="call.").values_list(
                "action", flat=True
            )
        )


@pytest.mark.parametrize(
    ("name", "data", "action", "says"),
    [
        ("call_say", {"words": "Hello"}, "call.words_given", b"says it now"),
        ("call_tell", {"words": "VIP"}, "call.context_given", b"knows it now"),
        (
            "call_transfer",
            {"destination": "+31205551234"},
            "call.transferred",
            b"being handed over",
        ),
        ("call_keys", {"digits": "12#"}, "call.keys_pressed", b"being pressed"),
        ("call_mute", {}, "call.muted", b"is silent"),
        ("call_unmute", {}, "call.unmuted", b"goes on"),
    ],
)
def test_a_command_from_the_page_is_sent_and_written_down(
    bakery: House, name: str, data: dict[str, str], action: str, says: bytes
) -> None:
    call = stored(bakery)
    dora = browser(bakery, bakery.people["dora"])
    answer = dora.post(reverse(name, args=[call.pk]), data, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    assert says in answer.content
    assert actions(bakery) == [action]
    bob = browser(bakery, bakery.people["bob"])
    assert bob.post(reverse(name, args=[call.pk]), data).status_code == 403
    assert actions(bakery) == [action]


@pytest.mark.parametrize(("direction", "has_keys"), [("inbound", True), ("web", False)])
def test_a_caller_in_a_browser_can_be_handed_on_and_has_no_keys(
    bakery: House, direction: str, has_keys: bool
) -> None:
    call = stored(bakery, direction=direction)
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("call_detail", args=[call.pk])).content.decode()
    assert reverse("call_transfer", args=[call.pk]) in page
    assert (reverse("call_keys", args=[call.pk]) in page) is has_keys


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("call_say", {"words": ""}),
        ("call_transfer", {"destination": "12"}),
        ("call_keys", {"digits": "hello"}),
    ],
)
def test_a_command_that_cannot_be_is_explained(
    bakery: House, name: str, data: dict[str, str]
) -> None:
    call = stored(bakery)
    dora = browser(bakery, bakery.people["dora"])
    answer = dora.post(reverse(name, args=[call.pk]), data, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    assert b'data-tone="warning"' in answer.content
    assert actions(bakery) == []


def test_ten_commands_a_minute_are_enough(bakery: House) -> None:
    call = stored(bakery)
    dora = browser(bakery, bakery.people["dora"])
    say = reverse("call_say", args=[call.pk])
    for _ in range(11):
        answer = dora.post(say, {"words": "Hello"}, HTTP_HX_REQUEST="true")
    assert b'data-tone="warning"' in answer.content
    assert len(actions(bakery)) == 10


@pytest.mark.parametrize(
    ("status", "seen", "brings"),
    [
        ("ringing", "waiting", set()),
        ("in-progress", "waiting", {"ear", "wheel"}),
        ("in-progress", "assistant", set()),
        ("in-progress", "person", {"wheel"}),  # who had taken it has given it back
        ("ended", "assistant", {"live", "call-stop"}),
    ],
)
def test_a_page_gets_what_steers_a_call_when_there_is_something_new_to_steer(
    bakery: House, node: VoiceNode, status: str, seen: str, brings: set[str]
) -> None:
    call = stored(bakery, node, status=status)
    dora = browser(bakery, bakery.people["dora"])
    url = reverse("call_progress", args=[call.pk])
    page = dora.get(url, {"seen": seen}, HTTP_HX_REQUEST="true").content.decode()
    found = set(re.findall(r'id="([a-z-]+)"[^>]*hx-swap-oob', page))
    assert found == brings
    assert ('data-module="listen"' in page) is ("ear" in brings)
    if status == "in-progress":
        assert f"{url}?seen=assistant" in page


def test_a_call_that_a_person_has_taken_over_is_steered_no_more(
    bakery: House, node: VoiceNode
) -> None:
    call = stored(bakery, node)
    with organization_scope(bakery.organization):
        seats = [
            take_listening_seat(
                call_id=call.pk,
                ticket=start_listening(call=call, actor=bakery.people["dora"]),
            )
            for _ in range(2)
        ]
    note_take_over(seat=seats[0])
    with pytest.raises(CallNotActive):
        note_take_over(seat=seats[1])
    dora = browser(bakery, bakery.people["dora"])
    say = reverse("call_say", args=[call.pk])
    answer = dora.post(say, {"words": "Hello"}, HTTP_HX_REQUEST="true")
    assert b'data-tone="warning"' in answer.content
    assert actions(bakery).count("call.taken_over") == 1
    assert "call.words_given" not in actions(bakery)
    page = dora.get(reverse("call_detail", args=[call.pk])).content.decode()
    assert "A person talks with the caller now" in page
    assert say not in page
    assert re.search(r"data-taken\s", page)


def test_a_call_that_was_given_back_is_steered_and_may_be_taken_again(
    bakery: House, node: VoiceNode
) -> None:
    call = stored(bakery, node)
    with organization_scope(bakery.organization):
        ticket = start_listening(call=call, actor=bakery.people["dora"])
        seat = take_listening_seat(call_id=call.pk, ticket=ticket)
    note_take_over(seat=seat)
    back = GivenBack("Dora", str(seat.user_id), is_lost=True, at_ms=65_000)
    event_id = uuid7()
    for _ in range(2):  # as after an answer of the database that was lost
        note_given_back(scope=seat.scope, call_id=call.pk, event_id=event_id, back=back)
    assert actions(bakery).count("call.given_back") == 1
    dora = browser(bakery, bakery.people["dora"])
    page = dora.get(reverse("call_detail", args=[call.pk])).content.decode()
    assert reverse("call_say", args=[call.pk]) in page
    assert not re.search(r"data-taken\s", page)
    assert "Dora took the call over" in page
    assert "Dora gave the call back to the assistant" in page
    assert "The connection was lost" in page
    note_take_over(seat=seat)


@pytest.mark.parametrize("is_live", [False, True])
def test_a_length_is_the_conversations_and_says_what_came_before_it(
    bakery: House, node: VoiceNode, is_live: bool
) -> None:
    """Recording and transcript count from the answer, the bill from the consent."""
    began = timezone.now() - timedelta(seconds=72)
    ended = {"status": "ended", "duration_ms": 60_000}
    call = stored(bakery, node, started_at=began, **({} if is_live else ended))
    dora = browser(bakery, bakery.people["dora"])
    url = reverse("call_detail", args=[call.pk])
    assert "consent was asked for" not in dora.get(url).content.decode()
    with organization_scope(bakery.organization):
        RecordingConsent.objects.create(
            organization=bakery.organization,
            call=call,
            question="May we record this?",
            language="en",
            asked_count=1,
            asked_at=began,
            answer="given",
            way="digit",
            heard="1",
            answered_at=began + timedelta(seconds=12),
        )
    page = dora.get(url).content.decode()
    assert "Without the 12 s in which consent was asked for" in page
    assert re.search(r"1 min 0[0-2] s", page)


def test_listening_is_a_right_of_its_own_and_leaves_a_trace(
    bakery: House, node: VoiceNode
) -> None:
    call = stored(bakery, node)
    listen = reverse("call_listen", args=[call.pk])
    otto = browser(bakery, join(bakery, "otto", Role.OPERATOR))
    assert otto.post(listen).status_code == 403
    assert actions(bakery) == []
    ticket = browser(bakery, bakery.people["dora"]).post(listen)
    assert ticket.status_code == 201
    body = ticket.json()
    assert body["server_url"].endswith(f"/ws/calls/{call.pk}/listen/")
    assert actions(bakery) == ["call.listened"]
    with organization_scope(bakery.organization):
        assert CallEvent.objects.get(kind="listened").data == {"who": "Dora"}
    seat = take_listening_seat(call_id=call.pk, ticket=body["token"])
    assert (seat.node_id, seat.name) == (node.pk, "Dora")
    again = take_listening_seat(call_id=call.pk, ticket=seat.again)
    assert again.watch_id == seat.watch_id
    page = browser(bakery, bakery.people["bob"]).get(
        reverse("call_detail", args=[call.pk])
    )
    assert b"Dora listened in" in page.content
    assert b'data-module="listen"' not in page.content


def test_a_ticket_opens_no_other_call(bakery: House, node: VoiceNode) -> None:
    call, other = stored(bakery, node), stored(bakery, node)
    with organization_scope(bakery.organization):
        ticket = start_listening(call=call, actor=bakery.people["dora"])
    for call_id, text in ((other.pk, ticket), (call.pk, ticket + "x"), (call.pk, "")):
        with pytest.raises(BadCallToken):
            take_listening_seat(call_id=call_id, ticket=text)


@pytest.mark.asyncio
@pytest.mark.django_db(transaction=True)
async def test_a_wrong_ticket_opens_no_socket(bakery: House) -> None:
    from config.asgi import application

    path = f"/ws/calls/{bakery.assistant.pk}/listen/?token=nonsense"
    socket = WebsocketCommunicator(application, path)
    assert (await socket.connect())[0]
    assert "bad_call_token" in await socket.receive_from()
    assert (await socket.receive_output())["code"] == 4401


def test_a_call_from_the_portal_rings_and_shows_itself(
    bakery: House, node: VoiceNode
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    filled = {
        "destination": "020 555 0001",
        "assistant": str(bakery.assistant.pk),
        "number": str(bakery.number.pk),
    }
    made = dora.post(reverse("call_new"), filled)
    assert made.status_code == 302
    with organization_scope(bakery.organization):
        call = Call.objects.get()
    assert made.url == reverse("call_detail", args=[call.pk])
    assert call.callee_number == "+31205550001"
    assert call.caller_number == bakery.number.number
    wrong = dora.post(reverse("call_new"), filled | {"destination": "12"})
    assert wrong.status_code == 422
    assert list(wrong.context["form"].errors) == ["destination"]


def test_the_list_is_exported_as_it_is_filtered(bakery: House) -> None:
    stored(bakery, status="rejected", end_reason="number_inactive")
    stored(bakery, status="ended", end_reason="user_hangup", caller_number="=1+1")
    dora = browser(bakery, bakery.people["dora"])
    answer = dora.get(reverse("call_export"), {"end_reason": "number_inactive"})
    text = b"".join(answer.streaming_content).decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["status"], row["end_reason"]) == ("rejected", "number_inactive")
    assert row["from"] == "+31612345678"
    whole = b"".join(dora.get(reverse("call_export")).streaming_content).decode()
    assert len(list(csv.DictReader(io.StringIO(whole)))) == 2
    assert "'=1+1" in whole
