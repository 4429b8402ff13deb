"""Invitations: a place offered, once, for a while, to who reads the mailbox."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.urls import reverse
from django.utils import timezone

from portal.models import Invitation, Membership, OutgoingMail, Role, User
from portal.scope import all_organizations
from portal.services.memberships import change_member
from tests.world import PASSWORD, House, browser, join

NEW = "new@somewhere.example"
CHOSEN = "a long and good password"


def invite_by(house: House, name: str, email: str = NEW, role: str = "operator"):
    client = browser(house, house.people[name])
    return client.post(reverse("member_add"), {"email": email, "role": role})


def link() -> str:
    with all_organizations("the test reads the mail"):
        mail = OutgoingMail.objects.filter(template="invite").order_by("-created_at")[0]
        return re.search(r"https?://[^/\s]+(/join/\S+)", mail.text)[1]


def test_somebody_new_joins_with_a_password_of_their_own(bakery: House):
    assert invite_by(bakery, "dora").status_code == 302
    visitor = browser(bakery)
    page = visitor.get(link())
    assert page["Referrer-Policy"] == "same-origin"
    answer = visitor.post(link(), {"name": "Nina", "password": CHOSEN})
    assert answer.url == "/"
    assert visitor.get("/").status_code == 200
    member = Membership.objects.get(user__email=NEW)
    assert (member.role, member.organization) == ("operator", bakery.organization)


def test_a_link_works_once(bakery: House):
    invite_by(bakery, "dora")
    address = link()
    browser(bakery).post(address, {"name": "Nina", "password": CHOSEN})
    again = browser(bakery).post(address, {"name": "Eve", "password": CHOSEN})
    assert again.status_code == 404
    assert User.objects.get(email=NEW).name == "Nina"


def test_a_link_of_another_portal_is_not_there(bakery: House, garage: House):
    invite_by(bakery, "dora")
    assert browser(garage).get(link()).status_code == 404


def test_an_old_link_and_one_taken_back_are_dead(bakery: House):
    invite_by(bakery, "dora")
    with all_organizations("the test lets time pass"):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browser(bakery).get(link()).status_code == 404
    with all_organizations("the test looks"):
        row = Invitation.objects.get()
    dora = browser(bakery, bakery.people["dora"])
    before = link()
    dora.post(reverse("invitation_resend", args=[row.pk]))
    assert link() != before
    assert browser(bakery).get(link()).status_code == 200
    assert browser(bakery).get(before).status_code == 404
    dora.post(reverse("invitation_revoke", args=[row.pk]))
    assert browser(bakery).get(link()).status_code == 404


def test_a_person_of_another_portal_is_invited_like_a_stranger(
    bakery: House, garage: House
):
    known = garage.people["lena"]
    first = invite_by(bakery, "dora", email=known.email)
    page = browser(bakery, bakery.people["dora"]).get(reverse("member_list"))
    assert first.status_code == 302
    assert known.email in page.content.decode()
    assert known.name not in page.content.decode()
    visitor = browser(bakery)
    answer = visitor.post(link(), {"name": "Eve", "password": "overwritten password"})
    assert answer.url == reverse("account_login")
    # The link alone signs nobody in, and changes no password.
    assert visitor.get("/").status_code == 302
    known.refresh_from_db()
    assert known.check_password(PASSWORD)
    sign_in = {"login": known.email, "password": PASSWORD}
    assert visitor.post(reverse("account_login"), sign_in).status_code == 302
    assert visitor.get("/").status_code == 200


def test_a_link_stands_in_for_no_passkey(bakery: House, garage: House):
    """Who signs in without a password has a proof of their own all the same."""
    lena = garage.people["lena"]
    lena.set_unusable_password()
    lena.save(update_fields=["password"])
    TOTP.activate(lena, generate_totp_secret())
    invite_by(bakery, "dora", email=lena.email)
    page = browser(bakery)
    answer = page.post(link(), {"name": "Thief", "password": "a-password-of-a-thief"})
    assert answer["Location"] == reverse("account_login")
    assert "_auth_user_id" not in page.session
    lena.refresh_from_db()
    assert not lena.has_usable_password()


@pytest.mark.parametrize("role", ["owner", "root", "", "admin "])
def test_nobody_invites_above_themselves(bakery: House, role: str):
    join(bakery, "adam", Role.ADMIN)
    assert invite_by(bakery, "adam", role=role).status_code == 422
    assert invite_by(bakery, "bob", role="viewer").status_code == 403
    with all_organizations("the test looks"):
        assert not Invitation.objects.exists()


def test_a_role_in_the_form_of_joining_counts_for_nothing(bakery: House):
    invite_by(bakery, "dora", role="viewer")
    forged = {"name": "Eve", "password": CHOSEN, "role": "owner", "is_staff": "1"}
    browser(bakery).post(link(), forged)
    member = Membership.objects.get(user__email=NEW)
    assert (member.role, member.user.is_staff) == ("viewer", False)


def test_an_admin_cannot_touch_an_owner(bakery: House):
    adam = browser(bakery, join(bakery, "adam", Role.ADMIN))
    dora = Membership.objects.get(user=bakery.people["dora"])
    for name in ("member_remove", "ownership_hand_over"):
        assert adam.post(reverse(name, args=[dora.pk])).status_code == 403
    answer = adam.post(reverse("member_edit", args=[dora.pk]), {"role": "viewer"})
    assert answer.status_code == 403
    own = Membership.objects.get(user=bakery.people["adam"])
    answer = adam.post(reverse("member_edit", args=[own.pk]), {"role": "owner"})
    assert answer.status_code == 422
    own.refresh_from_db()
    dora.refresh_from_db()
    assert (dora.role, own.role) == ("owner", "admin")


def test_the_last_owner_stays_until_they_hand_over(bakery: House):
    dora = browser(bakery, bakery.people["dora"])
    dora.post(reverse("member_leave"))
    assert Membership.objects.filter(user=bakery.people["dora"]).exists()
    bob = Membership.objects.get(user=bakery.people["bob"])
    dora.post(reverse("ownership_hand_over", args=[bob.pk]))
    dora.post(reverse("member_leave"))
    bob.refresh_from_db()
    assert bob.role == "owner"
    assert not Membership.objects.filter(user=bakery.people["dora"]).exists()
    assert dora.get("/").status_code == 404


def test_a_team_has_as_many_people_as_its_plan(bakery: House):
    bakery.organization.max_members = 2
    with all_organizations("the test sets a limit"):
        bakery.organization.save()
    answer = invite_by(bakery, "dora")
    assert answer.status_code == 422
    assert "room for 2 people" in answer.content.decode()


def test_a_person_sees_only_what_their_place_names(bakery: House):
    bob = Membership.objects.get(user=bakery.people["bob"])
    dora = Membership.objects.get(user=bakery.people["dora"])
    seen = browser(bakery, bakery.people["bob"])
    address = reverse("assistant_detail", args=[bakery.assistant.pk])
    assert seen.get(address).status_code == 200
    change_member(
        member=bob, role=Role.VIEWER, assistant_ids=[], campaign_ids=[], giver=dora
    )
    assert seen.get(address).status_code == 404
    assert bakery.assistant.name not in seen.get("/assistants/").content.decode()
    mine = [str(bakery.assistant.pk)]
    change_member(
        member=bob, role=Role.VIEWER, assistant_ids=mine, campaign_ids=[], giver=dora
    )
    assert seen.get(address).status_code == 200
