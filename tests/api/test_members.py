"""The team over REST keeps the rules of the pages."""

from __future__ import annotations

from typing import Any

import pytest

from portal.models import AuditRecord, Invitation, Membership, OutgoingMail, Role
from portal.scope import organization_scope
from tests.api.conftest import ApiClient, key_of
from tests.world import House

BODY = {"email": "zoe@bakery.example", "role": "operator"}


def place(house: House, role: Role) -> Membership:
    with organization_scope(house.organization):
        return Membership.objects.get(organization=house.organization, role=role)


def test_an_invitation_is_mailed_listed_sent_again_and_taken_back(
    bakery: House, bakery_api: ApiClient
) -> None:
    made = bakery_api.post("/invitations", BODY)
    assert made.status_code == 201, made.content
    row = made.json()["invitation"]
    assert (row["email"], row["role"], row["sent_count"]) == (
        "zoe@bakery.example",
        "operator",
        1,
    )
    assert bakery_api.get("/invitations").json()["invitations"] == [row]
    again = bakery_api.post(f"/invitations/{row['id']}/resend").json()["invitation"]
    assert again["sent_count"] == 2
    with organization_scope(bakery.organization):
        assert OutgoingMail.objects.filter(template="invite").count() == 2
        assert "digest" not in again
    assert bakery_api.delete(f"/invitations/{row['id']}").json() == {"success": True}
    assert bakery_api.get("/invitations").json()["invitations"] == []
    assert bakery_api.post(f"/invitations/{row['id']}/resend").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"role": "viewer"}, 400, "email"),
        ({"email": "zoe", "role": "viewer"}, 400, "email"),
        ({**BODY, "role": "boss"}, 400, "role"),
        ({**BODY, "role": "owner"}, 403, None),
        ({**BODY, "email": "bob@acme.example"}, 409, "email"),
    ],
)
def test_a_bad_invitation_is_refused(
    bakery: House, bakery_api: ApiClient, body: Any, status: int, param: str | None
) -> None:
    answer = bakery_api.post("/invitations", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    with organization_scope(bakery.organization):
        assert not Invitation.objects.exists()


def test_a_role_and_a_view_are_changed(bakery: House, bakery_api: ApiClient) -> None:
    bob = place(bakery, Role.VIEWER)
    change = {"role": "operator", "assistant_ids": [str(bakery.assistant.pk)]}
    changed = bakery_api.patch(f"/members/{bob.pk}", change).json()["member"]
    assert {name: changed[name] for name in change} == change
    assert bakery_api.get(f"/members/{bob.pk}").json()["member"] == changed
    freed = bakery_api.patch(f"/members/{bob.pk}", {"assistant_ids": None})
    assert freed.json()["member"] == {**changed, "assistant_ids": None}
    with organization_scope(bakery.organization):
        entry = AuditRecord.objects.filter(action="member.changed").first()
    assert entry is not None
    assert entry.actor is None


def test_nobody_is_kept_to_what_is_not_there(
    bakery: House, garage: House, bakery_api: ApiClient
) -> None:
    bob = place(bakery, Role.VIEWER)
    wrong = bakery_api.patch(
        f"/members/{bob.pk}", {"assistant_ids": [str(garage.assistant.pk)]}
    )
    assert wrong.json()["error"]["param"] == "assistant_ids[0]"
    assert place(bakery, Role.VIEWER).assistant_ids is None


def test_a_key_touches_nobody_above_itself(
    bakery: House, bakery_api: ApiClient
) -> None:
    dora = place(bakery, Role.OWNER)
    assert (
        bakery_api.patch(f"/members/{dora.pk}", {"role": "viewer"}).status_code == 403
    )
    assert bakery_api.delete(f"/members/{dora.pk}").status_code == 403
    bob = place(bakery, Role.VIEWER)
    assert bakery_api.patch(f"/members/{bob.pk}", {"role": "owner"}).status_code == 403
    assert place(bakery, Role.VIEWER).pk == bob.pk


def test_an_organization_keeps_an_owner(bakery: House) -> None:
    owner = key_of(bakery, Role.OWNER)
    dora = place(bakery, Role.OWNER)
    assert owner.delete(f"/members/{dora.pk}").status_code == 409
    lowered = owner.patch(f"/members/{dora.pk}", {"role": "admin"})
    assert lowered.status_code == 409
    assert lowered.json()["error"]["param"] == "role"
    assert place(bakery, Role.OWNER).pk == dora.pk


def test_an_organization_is_handed_over(bakery: House) -> None:
    owner = key_of(bakery, Role.OWNER)
    dora, bob = place(bakery, Role.OWNER), place(bakery, Role.VIEWER)
    assert owner.patch(f"/members/{bob.pk}", {"role": "owner"}).status_code == 200
    assert owner.patch(f"/members/{dora.pk}", {"role": "admin"}).status_code == 200
    assert place(bakery, Role.OWNER).pk == bob.pk
    assert place(bakery, Role.ADMIN).pk == dora.pk


def test_a_member_is_removed_once(bakery: House, bakery_api: ApiClient) -> None:
    bob = place(bakery, Role.VIEWER)
    assert bakery_api.delete(f"/members/{bob.pk}").json() == {"success": True}
    assert bakery_api.delete(f"/members/{bob.pk}").status_code == 404


def test_anothers_team_is_not_there(bakery: House, garage_api: ApiClient) -> None:
    bob = place(bakery, Role.VIEWER)
    assert garage_api.get(f"/members/{bob.pk}").status_code == 404
    assert garage_api.delete(f"/members/{bob.pk}").status_code == 404
    assert place(bakery, Role.VIEWER).pk == bob.pk
