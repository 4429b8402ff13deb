"""What `var/demo.json` says: addresses, logins and keys of a running demo."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from assistants.models import Assistant
from calls.models import PhoneNumber
from config.demo.cast import AGENCIES, PASSWORD, STAFF_EMAIL, House
from config.demo.seeding import ANSWERS_AT, demo_key
from portal.hosts import portal_url
from portal.models import Organization, Portal
from portal.scope import all_organizations


def demo_json(port: int) -> dict[str, Any]:
    """Return the contract's object for a demo that serves at `port`."""
    base = f"http://{settings.BASE_DOMAIN}:{port}"
    portals, organizations = [], []
    with all_organizations("the demo describes itself"):
        for agency in AGENCIES:
            portal = Portal.objects.select_related("agency").get(slug=agency.slug)
            houses = [(portal.agency, agency.house)]
            houses += [
                (Organization.objects.get(parent=portal.agency, name=house.name), house)
                for house in agency.clients
            ]
            portals.append(_portal(portal, houses))
            organizations += [_organization(row, house) for row, house in houses]
    return {
        "base_url": base,
        "api_base_url": f"{base}/api/v1",
        "staff": {"email": STAFF_EMAIL, "password": PASSWORD},
        "portals": portals,
        "organizations": organizations,
        "sip": {
            "address": f"127.0.0.1:{settings.SIP_PORT}",
            "number": AGENCIES[0].house.sip_number,
            # Where the demo's trunks call out to: `phonecall --answer` listens there.
            "answers_at": f"127.0.0.1:{settings.SIP_PORT + ANSWERS_AT}",
        },
    }


def _portal(portal: Portal, houses: list[tuple[Organization, House]]) -> dict[str, Any]:
    return {
        "slug": portal.slug,
        "url": portal_url(portal, "").rstrip("/"),
        "agency_id": str(portal.agency_id),
        "users": [
            {
                "email": person.email,
                "password": PASSWORD,
                "role": str(person.role),
                "organization_id": str(organization.pk),
            }
            for organization, house in houses
            for person in house.people
        ],
    }


def _organization(organization: Organization, house: House) -> dict[str, Any]:
    assistant = Assistant.objects.filter(
        organization=organization, name=house.assistants[0].name, deleted_at=None
    ).first()
    number = PhoneNumber.objects.filter(
        organization=organization, number=house.number
    ).first()
    return {
        "id": str(organization.pk),
        "name": organization.name,
        "parent_id": str(organization.parent_id) if organization.parent_id else None,
        "api_key": demo_key(house),
        "assistant_id": str(assistant.pk) if assistant else None,
        "number_id": str(number.pk) if number else None,
        "sip_number": house.sip_number,
    }
