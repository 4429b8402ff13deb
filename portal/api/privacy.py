"""How the content of an organization's calls is treated, over REST."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Body as BodyParam, Router
from pydantic import BaseModel, Field

from common.redaction import Category
from portal.api.access import api_requires
from portal.api.errors import InvalidRequest
from portal.api.paging import Body
from portal.http import KeyRequest
from portal.models import Organization
from portal.permissions import Permission
from portal.policy import Policy
from portal.services.privacy import (
    PolicyRefused,
    bounds_of,
    save_privacy,
    settings_of,
)

router = Router(tags=["Privacy"])
Regions = Literal["anywhere", "eu", "own"]
_HOST = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$"
Host = Annotated[
    str,
    Field(
        max_length=253,
        examples=["crm.example.com"],
        json_schema_extra={
            "anyOf": [{"pattern": _HOST}, {"format": "ipv4"}, {"format": "ipv6"}]
        },
    ),
]


class PrivacyChange(Body):
    """What is left out stays. A client may be stricter than its agency, never looser."""

    regions: Regions = "anywhere"
    trusted_hosts: list[Host] = Field([], max_length=100)
    keeps_callers_inside: bool = Field(
        False,
        strict=True,
        description="Under a rule, hand callers on to numbers of the EU only.",
    )
    content_retention_days: Literal[30, 90, 180, 365] = 365
    metadata_retention_days: Literal[30, 90, 180, 365, 730] = 730
    gdpr_mode: bool = Field(False, strict=True, description="Keep no content.")
    redacted_categories: list[Category] = Field([], max_length=len(Category))
    seals_content: bool = Field(False, strict=True)
    discloses_ai: bool = Field(False, strict=True)
    legal_hold_reason: str = Field(
        "", max_length=200, description="With a reason here, nothing is deleted."
    )


class PrivacyJson(BaseModel):
    regions: str
    trusted_hosts: list[str]
    keeps_callers_inside: bool
    content_retention_days: int
    metadata_retention_days: int
    gdpr_mode: bool
    redacted_categories: list[str]
    seals_content: bool
    discloses_ai: bool
    legal_hold_reason: str


class BoundsJson(BaseModel):
    """What the agency asks for at least."""

    regions: str
    keeps_callers_inside: bool
    content_retention_days: int
    metadata_retention_days: int
    gdpr_mode: bool
    redacted_categories: list[str]
    seals_content: bool
    discloses_ai: bool


class Privacy(BaseModel):
    """The organization's own choices; together with `bounds`, the stricter one holds."""

    privacy: PrivacyJson
    bounds: BoundsJson | None


@router.get("", response=Privacy)
@api_requires(Permission.PRIVACY_READ)
def read_privacy(request: KeyRequest) -> dict[str, Any]:
    """Where data may go, how long it stays, and what is never kept."""
    return privacy_json(request.organization)


@router.patch("", response=Privacy)
@api_requires(Permission.PRIVACY_EDIT)
def change_privacy(
    request: KeyRequest, change: Annotated[PrivacyChange, BodyParam(...)]
) -> dict[str, Any]:
    """Change what is given; it holds for every call from now on."""
    choices = change.model_dump(mode="json", exclude_unset=True)
    if "trusted_hosts" in choices:
        choices["trusted_hosts"] = sorted(
            {host.lower() for host in choices["trusted_hosts"]}
        )
    organization = request.organization
    try:
        save_privacy(organization=organization, actor=None, **choices)
    except PolicyRefused as refusal:
        raise InvalidRequest(str(refusal), param=refusal.field) from refusal
    return privacy_json(organization)


def privacy_json(organization: Organization) -> dict[str, Any]:
    """Return an organization's choices, and what its agency asks for."""
    row = settings_of(organization)
    own = {name: getattr(row, name) for name in PrivacyJson.model_fields}
    bounds = None if organization.is_agency else _bounds(bounds_of(organization))
    return {"privacy": own, "bounds": bounds}


def _bounds(policy: Policy) -> dict[str, Any]:
    return {
        "regions": str(policy.regions),
        "keeps_callers_inside": policy.keeps_callers_inside,
        "content_retention_days": policy.content_days,
        "metadata_retention_days": policy.metadata_days,
        "gdpr_mode": policy.gdpr_mode,
        "redacted_categories": sorted(str(one) for one in policy.redacted),
        "seals_content": policy.seals_content,
        "discloses_ai": policy.discloses_ai,
    }
