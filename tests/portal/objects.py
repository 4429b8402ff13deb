"""One object of each kind in a house, to put into addresses."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.utils import timezone

from assistants.editing import change_spec
from assistants.models import AnalysisTemplate, McpServer, ProviderKey, ToolTemplate
from assistants.tool_list import with_tool
from assistants.tool_shapes import FunctionDefinition, FunctionTool
from billing.models import Coupon, CreditPackage, Payment, Plan
from calls.models import Call, CallAlert
from calls.services.trunks import add_trunk
from calls.services.web import start_web_call
from calls.services.widgets import save_widget
from campaigns.models import (
    Campaign,
    CampaignTemplate,
    Lead,
    LeadImport,
    Register,
    SavedList,
    SuppressionEntry,
)
from campaigns.services.templates import ASKED, KEPT
from config.subjects.erasing import erase_subject
from portal.models import Membership, Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from portal.services.invitations import invite
from portal.webhooks import record_event
from portal.webhooks.endpoints import create_endpoint
from tests.world import House

FUNCTION = FunctionTool(function=FunctionDefinition(name="look_up"))


def make_objects(house: House) -> dict[str, Any]:
    """Return the keyword arguments an address may ask for, by name. Needs a voice node."""
    with organization_scope(house.organization):
        change_spec(
            assistant=house.assistant,
            change=lambda spec: with_tool(spec, FUNCTION),
            about="llm_config.tools",
            actor=None,
        )
        call: Call = start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call
        trunk = add_trunk(
            organization=house.organization,
            values={"name": "Main trunk", "host": "sip.example.com"},
            actor=None,
        )
        key, _text = issue_key(organization=house.organization, name="Test", actor=None)
        endpoint, _secret = create_endpoint(
            organization=house.organization,
            url="https://example.com/hook",
            events=["*"],
            actor=None,
        )
        record_event(
            organization=house.organization,
            kind="credits.low",
            data={},
            call_id=call.pk,
        )
        invitation = invite(
            organization=house.organization,
            email="new@bakery.example",
            role=Role.VIEWER,
            actor=None,
        )
        campaign = Campaign.objects.create(
            organization=house.organization,
            name="Spring",
            assistant=house.assistant,
            number=house.number,
            started_at=timezone.now(),
        )
        lead = Lead.objects.create(
            organization=house.organization,
            campaign=campaign,
            phone_number="+31612345678",
            due_at=timezone.now(),
        )
        list_ = LeadImport.objects.create(
            organization=house.organization,
            campaign=campaign,
            status=LeadImport.Status.FINISHED,
        )
        template = CampaignTemplate.objects.create(
            organization=house.organization,
            name="Reminder",
            assistant=house.assistant,
            settings={name: getattr(campaign, name) for name in (*ASKED, *KEPT)},
        )
        saved_list = SavedList.objects.create(
            organization=house.organization, name="Regulars"
        )
        entry = SuppressionEntry.objects.create(
            organization=house.organization,
            agency_id=house.organization.agency_id,
            phone_number="+31612345679",
            source=SuppressionEntry.Source.PORTAL,
        )
        register = Register.objects.create(
            organization=house.organization,
            agency_id=house.organization.agency_id,
            name="TPS",
            url="https://example.com/check",
        )
        delivery = endpoint.deliveries.get()
        erasure = erase_subject(
            organization=house.organization, number="+31600000000", actor=None
        )
        payment = Payment.objects.create(
            organization=house.organization,
            purpose=Payment.Purpose.PACKAGE,
            terms={"name": "Test"},
            currency="eur",
            net_cents=100,
        )
        tool = ToolTemplate.objects.create(
            organization=house.organization, name="Order", tool_type="function"
        )
        analysis = AnalysisTemplate.objects.create(
            organization=house.organization, name="Mood"
        )
        server = McpServer.objects.create(
            organization=house.organization, name="CRM", url="https://127.0.0.1/mcp"
        )
        alert = CallAlert.objects.create(
            organization=house.organization,
            kind=CallAlert.Kind.SHORT_CALLS,
            count=20,
            first_seen_at=timezone.now(),
            last_seen_at=timezone.now(),
        )
        widget, _is_new = save_widget(assistant=house.assistant, actor=None)
        ProviderKey.objects.create(
            organization=house.organization,
            provider="openai",
            secret="sk-own",
            checked_at=timezone.now(),
        )
    members = Membership.objects.filter(organization=house.organization)
    member = members.filter(role=Role.VIEWER).first() or members.get()
    agency = house.organization.parent
    assert agency is not None
    with organization_scope(agency):
        package = CreditPackage.objects.create(
            organization=agency, name="Test", credits_microcredits=1, price_cents=100
        )
        plan = Plan.objects.create(
            organization=agency,
            name="Test",
            price_cents=100,
            included_minutes=1,
            microcredits_per_minute=1,
        )
        coupon = Coupon.objects.create(organization=agency, code="TEST", microcredits=1)
    return {
        "payment_id": payment.pk,
        "package_id": package.pk,
        "plan_id": plan.pk,
        "coupon_id": coupon.pk,
        "credits": 1000,
        "tool_template_id": tool.pk,
        "analysis_template_id": analysis.pk,
        "server_id": server.pk,
        "tool_slug": "check_order",
        "tool_kind": "function",
        "tool_key": "look_up",
        "number": 1,
        "analysis_slug": "appointment",
        "provider": "openai",
        "organization_id": house.organization.pk,
        "client_id": house.organization.pk,
        "assistant_id": house.assistant.pk,
        "provider_id": "nobody",
        "voice_id": "none",
        "alert_id": alert.pk,
        "call_id": call.pk,
        "key_id": key.pk,
        "endpoint_id": endpoint.pk,
        "delivery_id": delivery.pk,
        "campaign_id": campaign.pk,
        "campaign_template_id": template.pk,
        "lead_id": lead.pk,
        "import_id": list_.pk,
        "suppression_id": entry.pk,
        "register_id": register.pk,
        "list_id": saved_list.pk,
        "step": "words",
        "number_id": house.number.pk,
        "trunk_id": trunk.pk,
        "erasure_id": erasure.pk,
        "kind": "logo-light",
        "key": "help",
        "domain_id": uuid4(),
        "member_id": member.pk,
        "invitation_id": invitation.pk,
        "token": "x",
        "mail_id": uuid4(),
        "move": "suspend",
        "request_id": uuid4(),
        "decision": "approve",
        "ticket": "x",
        "widget_id": widget.pk,
    }
