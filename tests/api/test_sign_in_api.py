"""Second steps and the agency's own sign-in applications, by key."""

from __future__ import annotations

from django.urls import reverse

from portal.models import Role, SignInApp
from portal.scope import organization_scope
from tests.api.conftest import ApiClient, key_of
from tests.world import House, browser

APP = {"client_id": "acme-at-google", "secret": "GOCSPX-hush-4711"}


def test_an_application_is_kept_and_its_secret_never_given_back(
    acme: House, acme_owner: ApiClient
) -> None:
    saved = acme_owner.put("/sign-in/apps/google", APP)
    assert saved.status_code == 200, saved.content
    apps = {one["provider"]: one for one in saved.json()["sign_in"]["apps"]}
    assert list(apps) == ["google", "github", "microsoft"]
    google = apps["google"]
    assert (google["client_id"], google["secret_hint"]) == ("acme-at-google", "4711")
    assert google["callback_url"].endswith(reverse("google_callback"))
    assert apps["github"]["client_id"] is None
    assert "GOCSPX" not in saved.content.decode()
    page = browser(acme).get(reverse("account_login")).content.decode()
    assert "Continue with Google" in page
    acme_owner.put("/sign-in/apps/google", {"client_id": "another"})
    with organization_scope(acme.organization):
        row = SignInApp.objects.get()
    assert (row.client_id, row.secret) == ("another", APP["secret"])
    assert acme_owner.delete("/sign-in/apps/google").json() == {"success": True}
    assert acme_owner.delete("/sign-in/apps/google").status_code == 404
    page = browser(acme).get(reverse("account_login")).content.decode()
    assert "Continue with Google" not in page


def test_a_bad_application_is_refused_by_field(
    acme: House, acme_owner: ApiClient, bakery_api: ApiClient
) -> None:
    for path, body, param in (
        ("google", {"client_id": "acme"}, "secret"),
        ("google", {"secret": "x"}, "client_id"),
        ("facebook", APP, "app"),
    ):
        answer = acme_owner.put(f"/sign-in/apps/{path}", body)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert bakery_api.put("/sign-in/apps/google", APP).status_code == 403
    assert bakery_api.delete("/sign-in/apps/google").status_code == 403
    with organization_scope(acme.organization):
        assert not SignInApp.objects.exists()


def test_everybody_is_asked_for_a_second_step(
    bakery: House, bakery_api: ApiClient
) -> None:
    assert bakery_api.get("/sign-in").status_code == 403
    owner = key_of(bakery, Role.OWNER)
    before = owner.get("/sign-in").json()["sign_in"]
    assert before["requires_second_factor"] is False
    assert (before["people_with_second_factor"], before["apps"]) == (0, [])
    changed = owner.patch("/sign-in", {"requires_second_factor": True})
    assert changed.json()["sign_in"]["requires_second_factor"] is True
    page = browser(bakery, bakery.people["dora"]).get(reverse("dashboard"))
    assert (page.status_code, page["Location"]) == (302, reverse("mfa_index"))
    answer = owner.patch("/sign-in", {"requires_second_factor": "yes"})
    assert answer.json()["error"]["param"] == "requires_second_factor"
