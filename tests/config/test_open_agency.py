"""Opening an agency from the console: all of it, or nothing and the reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from billing.models import Account
from config.clients.opening import open_complete_agency
from portal.mail.delivery import send_due_mails
from portal.models import Invitation, Membership, Organization, Portal, Role, User
from portal.scope import all_organizations, organization_scope
from tests.config.test_operator_console import address
from tests.config.test_operator_money import desk
from tests.world import House


@pytest.fixture
def wish() -> dict[str, str]:
    return {
        "name": "Initech Voice",
        "slug": "initech",
        "owner_email": "Bill@Initech.example",
        "language": "nl",
    }


def agencies() -> list[str]:
    with all_organizations("a test counts"):
        rows = Organization.objects.filter(parent=None).order_by("name")
        return [row.name for row in rows]


def test_staff_opens_an_agency_whose_owner_joins_by_mail(
    acme: House, olga: User, wish: dict[str, str]
) -> None:
    client, page = desk(olga), address("admin:agency_open")
    listed = client.get(address("admin:portal_organization_changelist"))
    assert f'href="{page}"' in listed.content.decode()
    answer = client.post(page, wish)
    portal = Portal.objects.select_related("agency").get(slug="initech")
    assert answer.status_code == 302
    assert str(portal.agency_id) in answer["Location"]
    assert (portal.name, portal.language) == ("Initech Voice", "nl")
    with organization_scope(portal.agency):
        invitation = Invitation.objects.get()
        assert Account.objects.filter(kind=Account.Kind.WALLET).count() == 1
    assert (invitation.email, invitation.role) == ("bill@initech.example", Role.OWNER)

    send_due_mails()
    [letter] = [one for one in mail.outbox if one.to == ["bill@initech.example"]]
    link = next(word for word in letter.body.split() if "/join/" in word)
    visitor = Client(HTTP_HOST=link.split("/")[2])
    path = link[link.index("/join/") :]
    joined = visitor.post(
        path,
        {"name": "Bill Lumbergh", "password": "correct horse battery"},
    )
    assert joined.status_code == 302, joined.context["form"].errors
    owner = Membership.objects.get(organization=portal.agency)
    assert (owner.user.email, owner.role) == ("bill@initech.example", Role.OWNER)
    assert visitor.get(reverse("brand_edit")).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("slug", "acme"),
        ("slug", "acrne"),
        ("slug", "admin"),
        ("slug", "Big"),
        ("slug", "xn--a"),
        ("owner_email", "nobody"),
        ("language", "tlh"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(
    acme: House, olga: User, wish: dict[str, Any], field: str, value: str
) -> None:
    answer = desk(olga).post(address("admin:agency_open"), wish | {field: value})
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) <= {field, "__all__"}
    assert errors
    assert agencies() == ["Acme"]
    assert Portal.objects.count() == 1


def test_an_agency_whose_owner_cannot_be_invited_is_not_there(
    acme: House, olga: User, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_values: Any) -> Any:
        raise RuntimeError("no mail today")

    monkeypatch.setattr("config.clients.opening.offer_place", refuse)
    with pytest.raises(RuntimeError):
        open_complete_agency(**wish, actor=olga)
    assert agencies() == ["Acme"]


def test_nobody_else_opens_one(acme: House, wish: dict[str, Any]) -> None:
    client = desk(acme.people["alice"])
    assert client.post(address("admin:agency_open"), wish).status_code == 404
    assert agencies() == ["Acme"]
