"""An agency's pictures over REST: logos, icon, sign-in and link preview."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import Http404
from ninja import File, Router
from ninja.files import UploadedFile
from pydantic import BaseModel

from portal import pictures
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.brand_form import PICTURE_ERRORS, PICTURE_LABELS
from portal.hosts import portal_url
from portal.http import KeyRequest
from portal.models import BrandPicture, Portal
from portal.permissions import Permission
from portal.services.brand import remove_picture, set_picture

router = Router(tags=["Portal"])

PictureKind = Literal["logo-light", "logo-dark", "icon", "sign-in", "social"]
PictureFile = Annotated[
    UploadedFile, File(..., description="PNG, JPEG or WebP; a logo may be an SVG.")
]


class PictureJson(BaseModel):
    """A picture as everybody may see it; its address changes when it does."""

    kind: PictureKind
    url: str


class Pictures(BaseModel):
    """Those that are there; the portal draws the rest from its name."""

    pictures: list[PictureJson]


@router.get("/pictures", response=Pictures)
@api_requires(Permission.CLIENTS_READ)
def list_pictures(request: KeyRequest) -> dict[str, Any]:
    """The portal's own pictures."""
    return pictures_json(_portal_of(request))


@router.post("/pictures/{kind}", response=Pictures)
@api_requires(Permission.BRAND_EDIT)
def put_up_picture(
    request: KeyRequest, kind: PictureKind, file: PictureFile
) -> dict[str, Any]:
    """Put up a picture, or another in its place; every size is made from it."""
    for name in request.POST:
        raise InvalidRequest(f"Unknown field: {name}", param=name)
    portal = _portal_of(request)
    data = file.read(pictures.LIMIT_BYTES + 1)
    try:
        set_picture(portal=portal, kind=kind, data=data, actor=None)
    except pictures.BadPicture as error:
        raise InvalidRequest(str(PICTURE_ERRORS[error.code]), param="file") from error
    return pictures_json(portal)


@router.delete("/pictures/{kind}", response=Pictures)
@api_requires(Permission.BRAND_EDIT)
def take_down_picture(request: KeyRequest, kind: PictureKind) -> dict[str, Any]:
    """Take a picture away; a second time changes nothing."""
    portal = _portal_of(request)
    remove_picture(portal=portal, kind=kind, actor=None)
    return pictures_json(portal)


def pictures_json(portal: Portal) -> dict[str, Any]:
    """Return the pictures that were uploaded, as the API shows them."""
    return {
        "pictures": [
            {"kind": kind, "url": _url(portal, kind, portal.pictures[str(kind)])}
            for kind in PICTURE_LABELS
            if str(kind) in portal.pictures
        ]
    }


def _url(portal: Portal, kind: BrandPicture.Kind, digest: str) -> str:
    shown = BrandPicture.Kind.ICON_512 if kind == BrandPicture.Kind.ICON else kind
    folder = "/brand/" if shown.startswith("logo-") else "/brand/picture/"
    return portal_url(portal, f"{folder}{shown}?v={digest}")


def _portal_of(request: KeyRequest) -> Portal:
    organization = request.organization
    portal = Portal.objects.filter(agency_id=organization.agency_id).first()
    if portal is None:
        raise Http404("There is no portal.")
    return portal
