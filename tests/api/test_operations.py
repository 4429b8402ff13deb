"""Every operation of the reference product has an address here, and answers to it.

The list is the one of its published client's tests. Not taken over: `/workflows`, which
this product has no page for either, and `/chats`, which its own documentation calls
deprecated.
"""

from __future__ import annotations

import html
from typing import Final

import pytest
from django.test import Client
from django.urls import reverse

from config.openapi import _document
from config.persons_only import PERSONS_ONLY
from tests.world import House

REFERENCE: Final = """
GET POST /assistants
GET PATCH DELETE /assistants/{assistant_id}
GET POST /agents
GET PATCH DELETE /agents/{assistant_id}
GET /calls
GET /calls/{call_id}
POST /calls/outbound
POST /calls/{call_id}/control
GET POST /numbers
GET PATCH DELETE /numbers/{number_id}
GET POST /sip-trunks
GET PATCH DELETE /sip-trunks/{trunk_id}
GET POST /campaigns
GET PATCH DELETE /campaigns/{campaign_id}
GET POST /campaigns/{campaign_id}/leads
DELETE /campaigns/{campaign_id}/leads/{lead_id}
GET POST /tool-templates
GET PATCH DELETE /tool-templates/{template_id}
GET POST /analysis-templates
GET PATCH DELETE /analysis-templates/{template_id}
GET POST /mcp-servers
GET PATCH DELETE /mcp-servers/{server_id}
POST /mcp-servers/{server_id}/test
GET POST DELETE /byok
GET POST /byok/config
GET /voices
GET /usage
GET POST DELETE /domains
GET POST /domains/sync
POST /domains/verify
POST /domains/refresh
GET POST PATCH /organizations
GET /account
GET /health
POST /web-calls
"""
# What the product does beyond it, so that all of it can be driven without the pages.
BEYOND: Final = """
GET POST /webhook-endpoints
GET PATCH DELETE /webhook-endpoints/{endpoint_id}
POST /webhook-endpoints/{endpoint_id}/rotate-secret
POST /webhook-endpoints/{endpoint_id}/test
POST /webhook-endpoints/{endpoint_id}/replay
GET /webhook-deliveries
GET /webhook-deliveries/{delivery_id}
POST /webhook-deliveries/{delivery_id}/replay
GET /billing/balance
GET /billing/ledger
GET /billing/statement
GET /billing/packages
GET POST /billing/payments
GET /billing/payments/{payment_id}
POST /billing/coupons
POST /billing/card
GET /billing/statement.pdf
GET /billing/statement.csv
GET /billing/payments/{payment_id}/receipt.pdf
GET PUT /billing/auto-recharge
GET PATCH /billing/alerts
GET /billing/plans
GET POST DELETE /billing/subscription
GET POST /selling/prices
GET POST /selling/packages
PATCH /selling/packages/{package_id}
GET POST /selling/plans
PATCH /selling/plans/{plan_id}
GET POST /selling/coupons
PATCH /selling/coupons/{coupon_id}
GET PUT /selling/trial
GET /selling/grants
GET /selling/grants/{request_id}
POST /selling/grants/{request_id}/refuse
GET PATCH DELETE /selling/stripe
PUT /selling/stripe/key
POST /selling/stripe/connect
GET POST /suppressions
DELETE /suppressions/{suppression_id}
POST /suppressions/check
GET POST /registers
GET PATCH DELETE /registers/{register_id}
POST /registers/{register_id}/ask
GET POST /saved-lists
GET DELETE /saved-lists/{list_id}
GET POST /saved-lists/{list_id}/people
POST /saved-lists/{list_id}/use
GET PATCH /calling-limits
GET PATCH /organizations/{client_id}/calling
POST DELETE /organizations/{client_id}/halt
DELETE /organizations/{client_id}/alerts/{alert_id}
GET PATCH /mail-sender
POST /mail-sender/test
GET /mails
GET /mails/{mail_id}
POST /mails/{mail_id}/send-again
GET /calls/export.csv
POST /campaigns/{campaign_id}/imports/preview
GET POST /campaigns/{campaign_id}/imports
GET /campaigns/{campaign_id}/imports/{import_id}
POST /campaigns/{campaign_id}/imports/{import_id}/cancel
POST /campaigns/{campaign_id}/imports/{import_id}/resume
POST /campaigns/{campaign_id}/imports/{import_id}/discard
GET /campaigns/{campaign_id}/imports/{import_id}/faults.csv
POST /campaigns/{campaign_id}/copy
POST /campaigns/{campaign_id}/test-call
GET /campaigns/compare
GET /campaign-templates
GET DELETE /campaign-templates/{campaign_template_id}
POST /numbers/{number_id}/simulate
GET /campaigns/{campaign_id}/report.csv
GET /campaigns/{campaign_id}/report.xlsx
GET /assistants/{assistant_id}/price
POST /sip-trunks/{trunk_id}/check
GET PATCH /privacy
GET POST /portal/domains
POST /portal/domains/{domain_id}/check
DELETE /portal/domains/{domain_id}
POST /subjects/find
POST /subjects/export
POST /subjects/erase
GET /subjects/erasures
GET /subjects/erasures/{erasure_id}
GET PATCH /portal
GET /portal/pictures
POST DELETE /portal/pictures/{kind}
GET /members
GET PATCH DELETE /members/{member_id}
GET POST /invitations
POST /invitations/{invitation_id}/resend
DELETE /invitations/{invitation_id}
GET /organizations/figures
GET /organizations/troubles
GET /visits
GET PATCH /sign-in
PUT DELETE /sign-in/apps/{app}
GET PATCH /organizations/{client_id}
POST /organizations/{client_id}/credits
POST DELETE /organizations/{client_id}/deletion
GET POST /organizations/{client_id}/notes
POST /organizations/{client_id}/copies
GET /sign-ups
POST /sign-ups/{request_id}/approve
POST /sign-ups/{request_id}/decline
POST /assistants/{assistant_id}/proposals
GET /assistants/{assistant_id}/data-flows
POST /assistants/{assistant_id}/text-chats
GET /voices/sample
PATCH /byok
GET PUT DELETE /assistants/{assistant_id}/widget
POST /assistants/import
GET PATCH DELETE /assistants/{assistant_id}/draft
POST /assistants/{assistant_id}/draft/publish
GET /assistants/{assistant_id}/export
POST /assistants/{assistant_id}/duplicate
GET /assistants/{assistant_id}/versions
GET /assistants/{assistant_id}/versions/{number}
POST /assistants/{assistant_id}/versions/{number}/restore
GET /recordings
GET /recordings/{signed}
GET DELETE /calls/{call_id}/recording
GET /audit-records
GET POST /api-keys
POST /api-keys/{key_id}/rotate
DELETE /api-keys/{key_id}
PATCH /campaigns/{campaign_id}/leads/{lead_id}
GET /campaigns/{campaign_id}/leads/{lead_id}/why
"""


def operations(text: str) -> set[tuple[str, str]]:
    return {
        (method, path)
        for line in text.strip().splitlines()
        for *methods, path in [line.split()]
        for method in methods
    }


def served() -> set[tuple[str, str]]:
    return {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in _document()["paths"].items()
        for method in methods
    }


@pytest.mark.parametrize("list_", [REFERENCE, BEYOND], ids=["reference", "beyond"])
def test_every_operation_of_the_list_is_served(list_: str) -> None:
    assert operations(list_) - served() == set()


def test_the_list_is_whole() -> None:
    aliases = {one for one in served() if one[1].startswith("/agents")}
    assert served() - operations(REFERENCE) - operations(BEYOND) - aliases == set()


def test_what_is_left_to_people_is_said_with_what_a_key_can_do(acme: House) -> None:
    described = _document()["info"]["description"]
    page = Client(SERVER_NAME=acme.host).get(reverse("api_reference"))
    shown = html.unescape(page.content.decode())
    paths = {path for _method, path in served()}
    for one in PERSONS_ONLY:
        for text in (one.what, one.why, one.instead):
            assert text in described
            assert text in shown
        assert one.paths
        assert set(one.paths) - paths == set()
