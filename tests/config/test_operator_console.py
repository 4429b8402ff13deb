"""The operator's console: who may enter, what it shows, what it changes and records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.functional import Promise

from assistants.models import Assistant, AssistantVersion
from billing.models import (
    Account,
    CreditLot,
    Hold,
    LedgerEntry,
    PlatformPrice,
    Posting,
    Price,
)
from calls.errors import OrganizationSuspended
from calls.models import Call, CallAlert, CallEvent, PhoneNumber, Turn, VoiceNode
from calls.services.web import start_web_call
from campaigns.models import Attempt, Campaign, Lead
from config.ops.base import COUNTED, CappedPaginator, without_secrets
from config.ops.console import console
from config.ops.words import MODELS
from portal.auth import SESSION_PORTAL, session_mark
from portal.models import (
    APIKey,
    AuditRecord,
    Membership,
    Organization,
    OutgoingMail,
    Portal,
    PortalDomain,
    RateCount,
    User,
    Visit,
)
from portal.scope import active_scope, all_organizations, organization_scope
from tests.house.test_access import patterns
from tests.portal.objects import make_objects
from tests.world import House

URLCONF = settings.OPERATOR_URLCONF
SHOWN: list[type[Model]] = [
    *(Organization, Portal, User, Membership, APIKey, AuditRecord),
    *(Call, CallAlert, VoiceNode, PhoneNumber),
    *(Assistant, AssistantVersion, Campaign, Lead, Attempt),
    *(Account, LedgerEntry, Posting, Hold, Price),
    *(CreditLot, PlatformPrice),
]
SAID = "My secret wish is a quiet garden."
NUMBER = "+31612345678"


def visitor(user: User | None = None) -> Client:
    """Return a browser at the operator's own host."""
    client = Client(SERVER_NAME=settings.BASE_DOMAIN)
    if user is not None:
        client.force_login(user, backend="portal.auth.PortalBackend")
        session = client.session
        session[SESSION_PORTAL] = session_mark(None)
        session.save()
    return client


def address(name: str, *args: object) -> str:
    return reverse(name, urlconf=URLCONF, args=args)


def list_of(model: type[Model]) -> str:
    meta = model._meta
    return address(f"admin:{meta.app_label}_{meta.model_name}_changelist")


def page_of(row: Model) -> str:
    meta = row._meta
    return address(f"admin:{meta.app_label}_{meta.model_name}_change", row.pk)


@dataclass
class Filled:
    """A client with a row of every kind."""

    house: House
    call: Call
    key: APIKey


@pytest.fixture
def filled(acme: House, bakery: House, node: VoiceNode) -> Filled:
    objects = make_objects(bakery)
    organization = bakery.organization
    with organization_scope(organization):
        call = Call.objects.get(pk=objects["call_id"])
        Turn.objects.create(
            organization=organization,
            call=call,
            index=0,
            speaker=Turn.Speaker.USER,
            text=SAID,
            started_ms=100,
            ended_ms=2_000,
        )
        CallEvent.objects.create(
            organization=organization,
            call=call,
            kind="tool",
            at=timezone.now(),
            data={"wish": SAID},
        )
        call.callee_number = NUMBER
        call.direction = Call.Direction.OUTBOUND
        call.summary = SAID
        call.save(update_fields=["callee_number", "direction", "summary"])
        lead = Lead.objects.get(pk=objects["lead_id"])
        lead.phone_number, lead.name = NUMBER, "Wilhelmina"
        lead.save(update_fields=["phone_number", "name"])
        Attempt.objects.create(organization=organization, lead=lead, number=1)
        key = APIKey.objects.get(pk=objects["key_id"])
    with organization_scope(acme.organization):
        PlatformPrice.objects.create(
            microcredits_per_minute=700_000, effective_at=timezone.now()
        )
        Price.objects.create(
            organization=acme.organization,
            microcredits_per_minute=4_000_000,
            effective_at=timezone.now(),
        )
    return Filled(bakery, call, key)


def one_of(model: type[Model]) -> Model:
    with all_organizations("a test looks for any row"):
        row = model._default_manager.first()
    assert row is not None, model
    return row


def console_addresses() -> Iterator[str]:
    """Give every address below /ops/, with an id that nothing has."""
    nothing = "00000000-0000-7000-8000-000000000000"
    for path, _entry in patterns(get_resolver(URLCONF)):
        if not path.startswith("ops/"):
            continue
        shown = path.replace("<path:object_id>", nothing)
        shown = shown.replace("<uuid:call_id>", nothing)
        shown = shown.replace("<path:content_type_id>", "1")
        if "(?P" not in shown:
            yield f"/{shown}"


# --- who may enter --------------------------------------------------------------------
def test_the_console_has_the_addresses_that_are_tried() -> None:
    tried = set(console_addresses())
    assert {list_of(model) for model in SHOWN} <= tried
    assert {address("admin:index"), address("styleguide")} <= tried
    assert len(tried) > 5 * len(SHOWN)


@pytest.mark.slow
def test_nobody_is_sent_to_sign_in_from_every_address(db: None) -> None:
    client = visitor()
    for path in console_addresses():
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith(address("account_login")), path


@pytest.mark.slow
def test_a_member_finds_no_console(acme: House) -> None:
    client = visitor(acme.people["alice"])
    for path in console_addresses():
        assert client.get(path).status_code == 404, path
        assert client.post(path).status_code == 404, path


def test_a_superuser_who_is_no_staff_finds_no_console(acme: House) -> None:
    alice = acme.people["alice"]
    User.objects.filter(pk=alice.pk).update(is_superuser=True)
    assert visitor(alice).get("/ops/").status_code == 404


def test_a_portal_has_no_console(acme: House, olga: User) -> None:
    client = visitor(olga)
    assert client.get("/ops/", SERVER_NAME=acme.host).status_code == 404


@pytest.mark.slow
def test_staff_reaches_every_list_and_every_row(filled: Filled, olga: User) -> None:
    client = visitor(olga)
    for model in SHOWN:
        assert client.get(list_of(model)).status_code == 200, model
        assert client.get(page_of(one_of(model))).status_code == 200, model


@pytest.mark.slow
def test_staff_gets_a_page_or_a_refusal_at_every_address(
    filled: Filled, olga: User
) -> None:
    client = visitor(olga)
    for path in console_addresses():
        assert client.get(path).status_code in (200, 302, 403, 404, 405), path


def test_django_admins_own_sign_in_is_not_there(db: None) -> None:
    assert visitor().get("/ops/login/").headers["Location"].startswith("/accounts/")


def test_no_scope_is_left_behind(filled: Filled, olga: User) -> None:
    visitor(olga).get(list_of(Call))
    assert active_scope() is None


# --- what it shows --------------------------------------------------------------------
def test_every_kind_of_row_is_shown_but_rate_counts() -> None:
    assert set(console._registry) == {*SHOWN, OutgoingMail, PortalDomain, Visit}
    assert RateCount not in console._registry


@pytest.mark.parametrize("model", SHOWN, ids=lambda model: model.__name__)
def test_nothing_is_added_changed_or_deleted(
    filled: Filled, olga: User, model: type[Model]
) -> None:
    client = visitor(olga)
    row = one_of(model)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.post(address(f"{name}_add")).status_code == 403
    assert client.post(address(f"{name}_delete", row.pk)).status_code == 403
    assert client.post(page_of(row), {"name": "Other"}).status_code == 403
    with all_organizations("a test looks again"):
        now = model._default_manager.get(pk=row.pk)
    fields = [field.attname for field in model._meta.concrete_fields]
    assert [getattr(now, name) for name in fields] == [
        getattr(row, name) for name in fields
    ]


@pytest.mark.slow
def test_no_page_tells_a_secret_or_what_was_said(filled: Filled, olga: User) -> None:
    client = visitor(olga)
    with all_organizations("a test reads secrets to look for them"):
        call = Call.objects.get(pk=filled.call.pk)
        hidden = [filled.key.digest, call.token_digest, olga.password, SAID, NUMBER]
    hidden += ["Wilhelmina"]
    assert all(hidden)
    for model in SHOWN:
        pages = [list_of(model), page_of(one_of(model))]
        for text in (client.get(page).content.decode() for page in pages):
            assert [value for value in hidden if value in text] == [], model


def test_secrets_inside_a_specification_are_masked() -> None:
    spec = {
        "tools": [
            {"secret": "s3cret", "headers": {"X-Api-Key": "k", "accesstoken": 1}}
        ],
        "key": None,
        "keyterms": ["dentist"],
        "max_completion_tokens": 40,
    }
    assert without_secrets(spec) == {
        "tools": [
            {"secret": "•••", "headers": {"X-Api-Key": "•••", "accesstoken": "•••"}}
        ],
        "key": None,
        "keyterms": ["dentist"],
        "max_completion_tokens": 40,
    }


@pytest.mark.parametrize(
    "query",
    [
        "status__exact=connecting",
        "direction__exact=outbound",
        "end_reason=busy",
        "agency={agency}",
        "agency={agency}&organization={organization}",
        "organization=nonsense",
        "agency=nonsense",
        "q={call}",
        "q=nonsense",
    ],
)
def test_calls_are_narrowed(filled: Filled, olga: User, query: str) -> None:
    organization = filled.house.organization
    found = query.format(
        agency=organization.agency_id,
        organization=organization.pk,
        call=filled.call.pk,
    )
    answer = visitor(olga).get(f"{list_of(Call)}?{found}")
    assert answer.status_code == 200
    is_there = page_of(filled.call) in answer.content.decode()
    assert is_there is (query not in ("end_reason=busy", "q=nonsense"))


def test_another_agencys_calls_are_filtered_out(
    filled: Filled, globex: House, olga: User
) -> None:
    answer = visitor(olga).get(f"{list_of(Call)}?agency={globex.organization.pk}")
    assert page_of(filled.call) not in answer.content.decode()


@pytest.mark.parametrize("model", [Lead, AssistantVersion])
def test_lists_are_reached_from_what_owns_them(
    filled: Filled, olga: User, model: type[Model]
) -> None:
    client = visitor(olga)
    owner = one_of(Campaign if model is Lead else Assistant)
    page = client.get(page_of(owner)).content.decode()
    query = f"{'campaign' if model is Lead else 'assistant'}__id={owner.pk}"
    assert f"{list_of(model)}?{query}" in page
    assert client.get(f"{list_of(model)}?{query}").status_code == 200


# --- reading a call -------------------------------------------------------------------
def reads() -> list[AuditRecord]:
    with all_organizations("a test reads the record"):
        return list(AuditRecord.objects.filter(action="call.read_by_operator"))


def test_a_transcript_opens_for_a_reason_and_is_recorded(
    filled: Filled, olga: User
) -> None:
    client = visitor(olga)
    door = address("admin:calls_call_transcript", filled.call.pk)
    assert SAID not in client.get(door).content.decode()
    assert reads() == []
    answer = client.post(door, {"reason": "Complaint 4711 of the caller"})
    assert SAID in answer.content.decode()
    (record,) = reads()
    assert record.organization == filled.house.organization
    assert record.actor == olga
    assert record.target_id == filled.call.pk
    assert record.changes == {"reason": "Complaint 4711 of the caller"}
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("reason", ["", "  ", "because", "x" * 301])
def test_without_a_reason_a_transcript_stays_closed(
    filled: Filled, olga: User, reason: str
) -> None:
    door = address("admin:calls_call_transcript", filled.call.pk)
    answer = visitor(olga).post(door, {"reason": reason})
    assert answer.status_code == 422
    assert SAID not in answer.content.decode()
    assert reads() == []


def test_a_call_that_is_not_there_has_no_transcript(olga: User) -> None:
    nothing = "00000000-0000-7000-8000-000000000000"
    door = address("admin:calls_call_transcript", nothing)
    assert visitor(olga).post(door, {"reason": "Any reason"}).status_code == 404


# --- what it changes ------------------------------------------------------------------
def act(client: Client, action: str, *rows: Model) -> Any:
    keys = [str(row.pk) for row in rows]
    return client.post(
        list_of(type(rows[0])), {"action": action, "_selected_action": keys}
    )


def moves(organization: Organization) -> list[tuple[Any, Any]]:
    with organization_scope(organization):
        found = AuditRecord.objects.filter(action="organization.moved").order_by("pk")
        return [(row.actor, row.changes) for row in found]


def test_a_suspended_organization_starts_no_call_until_it_is_reopened(
    bakery: House, node: VoiceNode, olga: User
) -> None:
    client, organization = visitor(olga), bakery.organization

    def call() -> None:
        with organization_scope(organization):
            start_web_call(
                organization=organization, assistant=bakery.assistant, actor=None
            )

    act(client, "suspend", organization)
    with pytest.raises(OrganizationSuspended):
        call()
    act(client, "reopen", organization)
    call()
    assert moves(organization) == [
        (olga, {"status": ["active", "suspended"]}),
        (olga, {"status": ["suspended", "active"]}),
    ]


def test_suspending_twice_is_recorded_once(bakery: House, olga: User) -> None:
    client = visitor(olga)
    act(client, "suspend", bakery.organization)
    act(client, "suspend", bakery.organization)
    assert len(moves(bakery.organization)) == 1


def test_an_archived_organization_is_not_reopened(bakery: House, olga: User) -> None:
    organization = bakery.organization
    with all_organizations("a test archives"):
        Organization.objects.update(status=Organization.Status.ARCHIVED)
    act(visitor(olga), "reopen", organization)
    with all_organizations("a test looks again"):
        organization.refresh_from_db()
    assert organization.status == Organization.Status.ARCHIVED
    assert moves(organization) == []


def test_a_revoked_key_is_recorded_once(filled: Filled, olga: User) -> None:
    client = visitor(olga)
    act(client, "revoke", filled.key)
    act(client, "revoke", filled.key)
    with organization_scope(filled.house.organization):
        filled.key.refresh_from_db()
        found = AuditRecord.objects.filter(action="api_key.revoked")
        assert [row.actor for row in found] == [olga]
    assert filled.key.revoked_at is not None


def test_a_member_cannot_act(filled: Filled, acme: House) -> None:
    client = visitor(acme.people["alice"])
    assert act(client, "suspend", filled.house.organization).status_code == 404
    assert act(client, "revoke", filled.key).status_code == 404
    assert moves(filled.house.organization) == []
    with organization_scope(filled.house.organization):
        filled.key.refresh_from_db()
    assert filled.key.revoked_at is None


def test_django_admins_own_log_stays_empty(filled: Filled, olga: User) -> None:
    act(visitor(olga), "revoke", filled.key)
    assert not LogEntry.objects.exists()


# --- how much it asks the database ----------------------------------------------------
@pytest.mark.parametrize(
    ("model", "most"),
    [(Call, 12), (Posting, 12), (LedgerEntry, 12), (Organization, 12), (Lead, 12)],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("rows", [1, 20])
def test_a_list_costs_the_same_for_many_rows(
    filled: Filled,
    acme: House,
    olga: User,
    django_assert_max_num_queries: Any,
    model: type[Model],
    most: int,
    rows: int,
) -> None:
    multiply(filled, acme, model, rows - 1)
    client = visitor(olga)
    with django_assert_max_num_queries(most):
        client.get(list_of(model))


def multiply(filled: Filled, acme: House, model: type[Model], times: int) -> None:
    """Make more rows like the one there is, as far as a list shows them."""
    with all_organizations("a test fills lists"):
        row = model._default_manager.order_by("-pk").first()
        assert row is not None
        for number in range(times):
            row.pk = None if model is Posting else model._meta.pk.get_default()
            row._state.adding = True
            if model is LedgerEntry:
                row.idempotency_key = f"test:{number}"
            elif model is Lead:
                row.phone_number = f"+3161234{number:04}"
            elif model is Organization:
                row.parent = acme.organization
            row.save(force_insert=True)


def test_a_long_list_is_not_counted_to_its_end(olga: User) -> None:
    paginator = CappedPaginator(User.objects.order_by("email"), 50)
    assert paginator.count == 1
    assert str(User.objects.order_by()[:COUNTED].query).endswith(f"LIMIT {COUNTED}")


# --- its own pages --------------------------------------------------------------------
def test_the_overview_shows_nodes_calls_and_low_agencies(
    filled: Filled,
    acme: House,
    olga: User,
    django_assert_max_num_queries: Any,
) -> None:
    with all_organizations("a test empties a pool and fails a call"):
        Account.objects.filter(organization=acme.organization, kind="wallet").update(
            balance_microcredits=1_500_000
        )
        Call.objects.update(status=Call.Status.FAILED)
    client = visitor(olga)
    with django_assert_max_num_queries(15):
        answer = client.get("/ops/")
    health = answer.context["health"]
    assert (health.fresh_node_count, health.capacity) == (1, 10)
    assert health.live_count == 0
    assert health.by_status == [("failed", 1)]
    assert health.failed_percent == 100
    assert [row.organization for row in health.low_wallets] == [acme.organization]
    assert "1.50" in answer.content.decode()


def test_the_overview_says_when_no_voice_process_is_alive(olga: User) -> None:
    answer = visitor(olga).get("/ops/")
    assert "No voice process is alive." in answer.content.decode()
    assert answer.context["health"].failed_percent is None


def test_the_overview_tells_of_work_that_nobody_does(
    filled: Filled, olga: User
) -> None:
    client = visitor(olga)
    before = {
        row.label: row.count for row in client.get("/ops/").context["health"].backlogs
    }
    long_ago = timezone.now() - timedelta(minutes=5)
    with all_organizations("a test writes a mail that nobody sends"):
        OutgoingMail.objects.create(
            template="notice",
            recipient="somebody@example.org",
            language="en",
            subject="Late",
            idempotency_key="late",
            due_at=long_ago,
        )
    answer = client.get("/ops/")
    late = {row.label: row for row in answer.context["health"].backlogs}
    assert late["Mails"].count == before["Mails"] + 1
    assert late["Mails"].oldest_s >= 300
    assert "Nobody works it off" in answer.content.decode()
    with all_organizations("a test sends it"):
        OutgoingMail.objects.update(status=OutgoingMail.Status.SENT)
    answer = client.get("/ops/")
    assert answer.context["health"].backlogs[0].count == 0


def test_a_lead_that_waits_is_a_lag_only_while_its_campaign_runs(
    filled: Filled, olga: User
) -> None:
    client = visitor(olga)
    late = timezone.now() - timedelta(seconds=90)
    with all_organizations("a test makes a lead wait"):
        Lead.objects.update(due_at=late)
    assert client.get("/ops/").context["health"].dialing_lag_s == 0
    with all_organizations("a test lets a campaign run"):
        Campaign.objects.update(status=Campaign.Status.SCHEDULED)
    assert 90 <= client.get("/ops/").context["health"].dialing_lag_s < 100


def test_the_books_are_checked_when_asked(filled: Filled, olga: User) -> None:
    client = visitor(olga)
    door = address("admin:reconciliation")
    assert client.get(door).context["drifts"] is None
    assert "The books agree." in client.post(door).content.decode()
    with all_organizations("a test breaks the books"):
        wallet = Account.objects.get(
            organization=filled.house.organization, kind="wallet"
        )
        Account.objects.filter(pk=wallet.pk).update(
            balance_microcredits=wallet.balance_microcredits + 7
        )
    broken = client.post(door).content.decode()
    assert "The books do not agree." in broken
    assert str(wallet.pk) in broken


@pytest.mark.slow
def test_the_style_guide_tries_a_brand_for_staff(olga: User) -> None:
    client = visitor(olga)
    guide = client.get("/ops/styleguide/").content.decode()
    preview = address("brand_preview_css")
    assert f'data-preview-url="{preview}"' in guide
    answer = client.get(f"{preview}?accent_color=%23aa3300&radius=round")
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "#aa3300" in answer.content.decode()


def test_the_console_names_no_customers_brand(filled: Filled, olga: User) -> None:
    head = visitor(olga).get("/ops/").content.decode().partition("</head>")[0]
    assert filled.house.portal.name not in head


def test_every_heading_of_the_console_is_in_the_readers_language() -> None:
    for model, model_admin in console._registry.items():
        assert model.__name__ in MODELS
        page: Any = model_admin
        shown: list[tuple[Any, Any]] = [
            (model, (*page.list_display, *(page.fields or ()))),
            *((one.model, one.fields or ()) for one in page.inlines),
        ]
        for kind, names in shown:
            for name in names:
                field = {f.name: f for f in kind._meta.fields}.get(str(name))
                is_said = field is None or isinstance(field.verbose_name, Promise)
                assert is_said, f"{kind.__name__}.{name} has no words"
