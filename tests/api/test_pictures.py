"""Pictures of a brand over REST: put up, shown, taken down, by an owner's key."""

from __future__ import annotations

from django.test import Client

from portal.models import AuditRecord, BrandPicture
from portal.scope import organization_scope
from tests.api.conftest import ApiClient
from tests.api.test_portal_api import owners_key
from tests.portal.test_brand_pictures import SVG, png
from tests.world import House


def served(house: House, url: str) -> bytes:
    path = "/" + url.split("/", 3)[3]
    answer = Client(SERVER_NAME=house.host).get(path)
    assert answer.status_code == 200
    content: bytes = answer.content
    return content


def test_a_logo_is_put_up_shown_and_taken_down(acme: House) -> None:
    key = owners_key(acme)
    answer = key.send_file("/portal/pictures/logo-light", SVG % b"", name="logo.svg")
    assert answer.status_code == 200, answer.content
    [shown] = answer.json()["pictures"]
    assert shown["kind"] == "logo-light"
    assert served(acme, shown["url"]).startswith(b"<svg")
    assert key.get("/portal/pictures").json() == answer.json()
    assert key.get("/portal").json()["portal"]["pictures"] == [shown]
    gone = key.delete("/portal/pictures/logo-light")
    assert gone.json() == {"pictures": []}
    assert key.delete("/portal/pictures/logo-light").json() == {"pictures": []}
    assert BrandPicture.objects.count() == 0
    with organization_scope(acme.organization):
        said = AuditRecord.objects.filter(action="brand.saved").values_list(
            "changes", flat=True
        )
        assert [one["pictures"] for one in said] == [
            "logo-light removed",
            "logo-light set",
        ]


def test_an_icon_makes_every_size(acme: House) -> None:
    key = owners_key(acme)
    answer = key.send_file("/portal/pictures/icon", png(600, 600), name="icon.png")
    [shown] = answer.json()["pictures"]
    assert served(acme, shown["url"]).startswith(b"\x89PNG")
    assert BrandPicture.objects.count() == 6


def test_a_file_that_is_no_picture_is_refused_by_its_field(acme: House) -> None:
    key = owners_key(acme)
    for content, words in (
        (b"GIF89a", "Upload a PNG, JPEG or WebP picture."),
        (SVG.replace(b"%s", b"<!ENTITY x 'y'>"), "This drawing cannot be shown"),
        (png(64, 64), "Upload an icon of at least 128"),
        (b"x" * 2_500_000, "Upload a file of at most 2 MB."),
    ):
        kind = "icon" if b"PNG" in content[:8] else "logo-light"
        answer = key.send_file(f"/portal/pictures/{kind}", content, name="a.png")
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
        assert words in answer.json()["error"]["message"]
    huge = key.send_file("/portal/pictures/icon", b"x" * 3_100_000, name="a.png")
    assert (huge.status_code, huge.json()["error"]["code"]) == (413, "body_too_large")
    other = key.send_file("/portal/pictures/banner", png(9, 9), name="a.png")
    assert (other.status_code, other.json()["error"]["param"]) == (400, "kind")
    more = key.send_file("/portal/pictures/icon", png(600, 600), width="3")
    assert (more.status_code, more.json()["error"]["param"]) == (400, "width")
    assert BrandPicture.objects.count() == 0


def test_only_an_owners_key_changes_pictures(
    acme: House, acme_api: ApiClient, bakery_api: ApiClient
) -> None:
    for key in (acme_api, bakery_api):
        answer = key.send_file("/portal/pictures/icon", png(600, 600), name="a.png")
        assert answer.status_code == 403
        assert key.delete("/portal/pictures/icon").status_code == 403
    assert BrandPicture.objects.count() == 0
