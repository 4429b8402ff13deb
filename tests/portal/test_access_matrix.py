"""The access policy as one table: what everyone gets at every address of a portal.

nobody     not signed in                      owner     owner of the client Bakery
viewer     of Bakery                          agency    owner of its agency, looking at Bakery
operator   of Bakery                          stranger  owner of a client of another agency,
                                                        at their own portal
Objects in the addresses are Bakery's, so a stranger gets 404 wherever one is named. Every
named address has a row; the last test fails for one that has not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import get_resolver, reverse

from calls.models import VoiceNode
from portal.models import Role, User
from tests.house.test_access import patterns
from tests.portal.objects import make_objects
from tests.world import House, browser, join

COLUMNS = ("nobody", "viewer", "operator", "owner", "agency", "stranger")

# GET of a page that shows no object: a stranger sees their own.
LIST = (302, 200, 200, 200, 200, 200)
# GET of a page about one object.
READ = (302, 200, 200, 200, 200, 404)
# GET of a form.
FORM = (302, 403, 200, 200, 200, 200)
FORM_OF_ONE = (302, 403, 200, 200, 200, 404)
# POST that acts on one object and goes elsewhere.
ACT = (302, 403, 302, 302, 302, 404)
# Only owners and admins.
MANAGE = (302, 403, 403, 200, 200, 200)
MANAGE_ONE = (302, 403, 403, 200, 200, 404)
MANAGE_ACT = (302, 403, 403, 302, 302, 404)
# Only inside an agency; the column `agency` looks at Bakery, where the right does not reach.
AGENCY = (302, 403, 403, 403, 403, 403)
# Owners and admins buy what their agency offers; nobody who visits spends their money.
BUY = (302, 403, 403, 302, 403, 404)
PUBLIC = (200, 200, 200, 200, 200, 200)

GET: dict[str, tuple[int, ...]] = {
    "dashboard": LIST,
    "assistant_list": LIST,
    "assistant_new": FORM,
    "assistant_detail": READ,
    "assistant_data": READ,
    "assistant_data_record": READ,
    "assistant_edit": FORM_OF_ONE,
    "assistant_price": READ,
    "assistant_export": READ,
    "assistant_describe": FORM_OF_ONE,
    "assistant_import": FORM,
    "assistant_tools": READ,
    "assistant_tool_new": FORM_OF_ONE,
    "assistant_tool_edit": FORM_OF_ONE,
    "assistant_tool_workflow": READ,
    "assistant_tool_servers": FORM_OF_ONE,
    "assistant_tool_mcp": FORM_OF_ONE,
    "assistant_tool_library": FORM_OF_ONE,
    "assistant_analysis": FORM_OF_ONE,
    "assistant_analysis_library": FORM_OF_ONE,
    "assistant_versions": READ,
    "assistant_compare": READ,
    "assistant_widget": FORM_OF_ONE,
    "widget_frame": (200, 200, 200, 200, 200, 404),
    "voice_list": LIST,
    "voice_sample": (302, 404, 404, 404, 404, 404),  # of a voice that is none
    "tool_template_list": LIST,
    "tool_template_new": FORM,
    "tool_template_new_kind": FORM,
    "tool_template_edit": FORM_OF_ONE,
    "analysis_template_list": LIST,
    "analysis_template_new": FORM,
    "analysis_template_edit": FORM_OF_ONE,
    "mcp_server_list": LIST,
    "mcp_server_new": FORM,
    "mcp_server_detail": READ,
    "mcp_server_edit": FORM_OF_ONE,
    "provider_key_list": MANAGE,
    "provider_key_edit": MANAGE,
    "number_list": LIST,
    "number_detail": READ,
    "trunk_list": LIST,
    "trunk_new": FORM,
    "trunk_detail": READ,
    "trunk_edit": FORM_OF_ONE,
    "trunk_check": (302, 286, 286, 286, 286, 404),  # no test goes on
    "call_list": LIST,
    "call_export": LIST,
    "call_new": FORM,
    "call_detail": READ,
    "call_progress": READ,
    "call_waveform": READ,
    "call_recording": (302, 404, 404, 404, 404, 404),  # this call has none
    "campaign_list": LIST,
    "campaign_new": FORM,
    "campaign_compare": LIST,
    "calling_limits": LIST,
    "saved_list_list": LIST,
    "saved_list_new": FORM,
    "saved_list_detail": READ,
    "saved_list_add": FORM_OF_ONE,
    "campaign_detail": READ,
    "campaign_live": READ,
    "campaign_leads_add": FORM_OF_ONE,
    "campaign_setup": FORM_OF_ONE,
    "campaign_upload": FORM_OF_ONE,
    "campaign_imports": (302, 286, 286, 286, 286, 404),
    "campaign_report_csv": READ,
    "campaign_report_xlsx": READ,
    "lead_why": READ,
    "lead_edit": FORM_OF_ONE,
    "suppression_list": LIST,
    "register_new": FORM,
    "register_detail": FORM_OF_ONE,
    "campaign_mapping": (302, 403, 302, 302, 302, 404),  # it was imported
    "campaign_import_faults": READ,
    "billing_statement": LIST,
    "billing_statement_csv": LIST,
    "billing_statement_pdf": LIST,
    "usage": LIST,
    "billing_grant": AGENCY,
    "billing_buy": LIST,
    "billing_payments": LIST,
    "billing_payment": READ,
    "billing_receipt": (302, 404, 404, 404, 404, 404),  # this payment has none
    "billing_recharge": (302, 403, 403, 200, 403, 200),
    "selling_prices": AGENCY,
    "selling_packages": AGENCY,
    "selling_plans": AGENCY,
    "selling_coupons": AGENCY,
    "selling_grants": AGENCY,
    "selling_stripe": AGENCY,
    "client_list": AGENCY,
    "client_new": AGENCY,
    "client_detail": AGENCY,
    "client_guard": AGENCY,
    "member_list": LIST,
    "privacy_edit": LIST,
    "subject_find": MANAGE,
    "subject_certificate": READ,
    # A visitor, the column `agency` here, never touches people or keys.
    "api_key_list": (302, 403, 403, 200, 403, 200),
    "webhook_list": MANAGE,
    "webhook_new": MANAGE,
    "webhook_detail": MANAGE_ONE,
    "webhook_edit": MANAGE_ONE,
    "webhook_delivery": MANAGE_ONE,
    "brand_edit": AGENCY,
    "brand_preview_css": AGENCY,
    "brand_contrast": AGENCY,
    "domain_list": AGENCY,
    "mail_edit": AGENCY,
    "mail_log": AGENCY,
    "mail_show": AGENCY,
    "mail_body": AGENCY,
    "mail_preview": AGENCY,
    "mail_previews": AGENCY,
    "cockpit": AGENCY,
    "cockpit_csv": AGENCY,
    "client_set_up": AGENCY,
    "client_copy": AGENCY,
    "client_limits": AGENCY,
    "sign_up": PUBLIC,
    "welcome": PUBLIC,
    "member_edit": (302, 403, 403, 200, 403, 404),
    "audit_list": MANAGE,
    "sign_in_edit": (302, 403, 403, 200, 403, 200),
    "audit_csv": MANAGE,
    "visit_list": LIST,
    "visit_start": AGENCY,
    "visit_enter": (404, 404, 404, 404, 404, 404),  # no ticket of this kind
    "join": (404, 404, 404, 404, 404, 404),  # nor such an invitation
    "domain_proof": PUBLIC,
    "brand_picture": PUBLIC,
    "brand_manifest": PUBLIC,
    "menu_page": (302, 404, 404, 404, 404, 404),  # the portal has none of this key
    "switch_organization": (302, 302, 302, 302, 302, 404),
    "brand_css": PUBLIC,
    "brand_logo": PUBLIC,
    "brand_favicon": PUBLIC,
    "api_reference": PUBLIC,
    "healthz": PUBLIC,
    "security_txt": PUBLIC,
    "readyz": PUBLIC,
}
POST: dict[str, tuple[int, ...]] = {
    "assistant_activate": ACT,
    "assistant_deactivate": ACT,
    "assistant_delete": ACT,
    "assistant_edit_draft": (302, 403, 422, 422, 422, 404),  # of an empty form
    "assistant_edit_publish": (302, 403, 422, 422, 422, 404),
    "assistant_duplicate": ACT,
    "assistant_describe_keep": ACT,  # what was sent is no proposal
    "assistant_dictate": (302, 403, 400, 400, 400, 404),  # without a sound
    "assistant_import_create": (302, 403, 422, 422, 422, 422),  # no file was given
    "assistant_tool_remove": ACT,
    "assistant_tool_end_call": ACT,
    "assistant_tool_mcp_test": ACT,
    "assistant_tool_insert": ACT,
    "assistant_tool_insert_starter": ACT,
    "assistant_analysis_insert": ACT,
    "assistant_analysis_insert_starter": ACT,
    "assistant_publish": ACT,
    "assistant_discard": ACT,
    "assistant_restore": ACT,
    "assistant_fields": (302, 403, 200, 200, 200, 200),
    "tool_template_copy": (302, 403, 302, 302, 302, 302),
    "tool_template_delete": ACT,
    "analysis_template_copy": (302, 403, 302, 302, 302, 302),
    "analysis_template_delete": ACT,
    "mcp_server_test": ACT,
    "mcp_server_delete": ACT,
    "provider_key_share": (302, 403, 403, 404, 404, 404),  # an agency's right
    "provider_key_unshare": (302, 403, 403, 404, 404, 404),
    "provider_key_remove": (302, 403, 403, 302, 302, 404),
    "call_start": (302, 403, 201, 201, 201, 404),
    "assistant_widget_remove": ACT,
    "widget_start": (403, 403, 403, 403, 403, 404),  # no page of ours asks
    "text_start": (302, 403, 201, 201, 201, 404),
    "call_stop": ACT,
    "call_say": ACT,
    "call_tell": ACT,
    "call_transfer": ACT,
    "call_keys": ACT,
    "call_mute": ACT,
    "call_unmute": ACT,
    "call_listen": (302, 403, 403, 400, 400, 404),  # nobody talks in this call
    "client_alert_dismiss": AGENCY,
    "client_halt": AGENCY,
    "client_halt_lift": AGENCY,
    "number_add": (302, 403, 422, 422, 422, 422),
    "number_edit": ACT,
    "number_simulate": ACT,
    "trunk_test": ACT,
    "trunk_delete": ACT,
    "number_remove": ACT,
    "campaign_launch": ACT,
    "campaign_copy": ACT,
    "campaign_template_delete": ACT,
    "campaign_save_list": ACT,
    "campaign_use_list": ACT,
    "saved_list_use": ACT,
    "saved_list_delete": ACT,
    "calling_limits_save": (302, 403, 422, 422, 422, 422),  # nothing was given
    "campaign_import_cancel": ACT,
    "campaign_import_resume": ACT,
    "campaign_import_discard": ACT,
    "campaign_preview": (302, 403, 200, 200, 200, 404),
    "campaign_test_call": (302, 403, 422, 422, 422, 404),  # no number was given
    "lead_skip": ACT,
    "lead_requeue": ACT,
    "suppression_add": (302, 403, 422, 422, 422, 422),  # no number was given
    "suppression_remove": ACT,
    "register_try": (302, 403, 422, 422, 422, 404),  # no number was given
    "register_remove": ACT,
    "campaign_pause": ACT,
    "campaign_resume": ACT,
    "campaign_cancel": ACT,
    "campaign_leads_check": (302, 403, 200, 200, 200, 200),
    "subject_export": (302, 403, 403, 422, 422, 422),
    "subject_erase": (302, 403, 403, 422, 422, 422),
    "member_add": (302, 403, 403, 422, 403, 422),
    "brand_picture_set": AGENCY,
    "domain_claim": AGENCY,
    "mail_test": AGENCY,
    "mail_again": AGENCY,
    "mail_domain_add": AGENCY,
    "mail_domain_verify": AGENCY,
    "mail_domain_remove": AGENCY,
    "client_note": AGENCY,
    "client_move": AGENCY,
    "sign_up_decide": AGENCY,
    "member_leave": (302, 302, 302, 302, 404, 302),
    "member_remove": (302, 403, 403, 302, 403, 404),
    "ownership_hand_over": (302, 403, 403, 302, 403, 404),
    "invitation_resend": (302, 403, 403, 302, 403, 404),
    "invitation_revoke": (302, 403, 403, 302, 403, 404),
    "visit_end": (302, 302, 302, 302, 302, 302),
    "domain_check": AGENCY,
    "sign_in_app_save": AGENCY,
    "sign_in_app_remove": AGENCY,
    "domain_release": AGENCY,
    "set_language": (302, 302, 302, 302, 302, 302),
    "api_key_revoke": (302, 403, 403, 302, 403, 404),
    "api_key_rotate": (302, 403, 403, 404, 403, 404),  # it says no overlap
    "api_key_prefix": AGENCY,
    "webhook_rotate": MANAGE_ONE,
    "webhook_enable": MANAGE_ACT,
    "webhook_disable": MANAGE_ACT,
    "webhook_delete": MANAGE_ACT,
    "webhook_test": (302, 403, 403, 404, 404, 404),  # it names no event
    "webhook_replay": MANAGE_ACT,
    "webhook_delivery_replay": MANAGE_ACT,
    "billing_buy_package": BUY,
    "billing_buy_plan": BUY,
    "billing_buy_credits": (302, 403, 403, 404, 403, 404),  # agencies buy these
    "billing_plan_leave": (302, 403, 403, 404, 403, 404),  # there is no plan to leave
    "billing_coupon": (302, 403, 403, 302, 403, 302),
    "billing_card": (302, 403, 403, 302, 403, 302),
    "billing_watch": (302, 403, 403, 422, 403, 422),
    "selling_package_offer": AGENCY,
    "selling_plan_offer": AGENCY,
    "selling_coupon_switch": AGENCY,
    "selling_trial": AGENCY,
    "selling_grant_decide": AGENCY,
    "selling_stripe_key": AGENCY,
    "selling_stripe_tax": AGENCY,
    "selling_stripe_connect": AGENCY,
    "selling_stripe_disconnect": AGENCY,
    "stripe_webhook": (400, 400, 400, 400, 400, 400),  # nobody signed it
    "set_theme": (302, 302, 302, 302, 302, 302),
}
ROWS = [("get", *row) for row in GET.items()] + [("post", *row) for row in POST.items()]


@dataclass
class Cast:
    house: House
    elsewhere: House
    people: dict[str, User | None]
    objects: dict[str, Any]

    def browser(self, column: str) -> Client:
        house = self.elsewhere if column == "stranger" else self.house
        return browser(house, self.people[column])

    def address(self, name: str) -> str:
        if name == "brand_logo":
            return reverse(name, args=["light"])
        if name == "brand_picture":
            return reverse(name, args=["icon-192"])
        pattern = next(
            entry
            for _path, entry in patterns(get_resolver("config.urls"))
            if entry.name == name
        )
        return reverse(
            name,
            kwargs={key: self.objects[key] for key in pattern.pattern.converters},
        )


@pytest.fixture
def cast(acme: House, bakery: House, garage: House, node: VoiceNode) -> Cast:
    return Cast(
        house=bakery,
        elsewhere=garage,
        people={
            "nobody": None,
            "viewer": bakery.people["bob"],
            "operator": join(bakery, "otto", Role.OPERATOR),
            "owner": bakery.people["dora"],
            "agency": acme.people["alice"],
            "stranger": garage.people["lena"],
        },
        objects=make_objects(bakery),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "name", "wanted"), ROWS, ids=[row[1] for row in ROWS]
)
def test_everyone_gets_what_the_table_says(
    cast: Cast, method: str, name: str, wanted: tuple[int, ...]
) -> None:
    got = {}
    for column in COLUMNS:
        # What one column changes must not be there for the next.
        with transaction.atomic():
            answer = getattr(cast.browser(column), method)(cast.address(name))
            got[column] = answer.status_code
            transaction.set_rollback(True)
    assert got == dict(zip(COLUMNS, wanted, strict=True))


def test_every_address_has_a_row() -> None:
    named = {
        entry.name
        for path, entry in patterns(get_resolver("config.urls"))
        if not path.startswith(("accounts/", "api/")) and entry.name
    }
    assert named == set(GET) | set(POST)


@pytest.mark.parametrize(
    "name",
    ["client_list", "client_new", "client_detail", "brand_edit", "billing_grant"],
)
def test_an_agencys_owner_at_home_opens_the_agencys_pages(
    acme: House, bakery: House, name: str
) -> None:
    kwargs = (
        {"client_id": bakery.organization.pk}
        if name in ("client_detail", "billing_grant")
        else {}
    )
    assert (
        browser(acme, acme.people["alice"])
        .get(reverse(name, kwargs=kwargs))
        .status_code
        == 200
    )


@pytest.mark.parametrize("name", ["client_detail", "billing_grant"])
def test_another_agencys_client_is_not_there(
    acme: House, garage: House, name: str
) -> None:
    address = reverse(name, kwargs={"client_id": garage.organization.pk})
    assert browser(acme, acme.people["alice"]).get(address).status_code == 404


def test_a_member_of_another_portal_is_nobody_here(
    bakery: House, garage: House
) -> None:
    lena = browser(bakery, garage.people["lena"])
    assert lena.get("/").status_code == 404


def test_a_session_carried_to_another_portal_is_ended(
    bakery: House, garage: House
) -> None:
    dora = browser(bakery, bakery.people["dora"])
    assert dora.get("/").status_code == 200
    assert dora.get("/", SERVER_NAME=garage.host).status_code == 302
    assert dora.get("/", SERVER_NAME=bakery.host).status_code == 302
