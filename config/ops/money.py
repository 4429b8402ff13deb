"""The books as they stand: nothing here writes, corrections are entries of the ledger."""

from __future__ import annotations

import json
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from billing.correcting import corrections_of
from billing.models import (
    Account,
    CreditLot,
    Hold,
    LedgerEntry,
    PlatformPrice,
    Posting,
    Price,
)
from common.money import format_credits
from config.ops.base import (
    AgencyFilter,
    OrganizationFilter,
    ReadOnlyAdmin,
    ReadOnlyInline,
    Shown,
    as_uuid,
    link,
)


def _credits(field: str, label: Any) -> Any:
    """Return a column that shows microcredits as credits."""

    @admin.display(description=label, ordering=field)
    def column(row: Any) -> str:
        return format_credits(getattr(row, field))

    column.__name__ = f"{field}_credits"
    return column


AMOUNT = _credits("amount_microcredits", _("credits"))
BALANCE = _credits("balance_microcredits", _("credits"))
AFTER = _credits("balance_after_microcredits", _("balance after"))


_PRICE: Final = (
    "direction",
    "mode",
    _credits("microcredits_per_minute", _("credits per minute")),
    _credits("setup_microcredits", _("set-up fee")),
    "minimum_seconds",
    "free_minutes",
    "model_cost_percent",
    "is_withdrawn",
    "effective_at",
)


class AccountAdmin(ReadOnlyAdmin):
    label = _("Accounts")
    icon = "wallet"
    list_display = ("organization", "kind", BALANCE)
    list_select_related = ("organization",)
    list_filter = ("kind", AgencyFilter, OrganizationFilter)
    search_fields = ("organization__name",)
    ordering = ("organization__name", "kind")
    fields = ("organization", "agency", "kind", BALANCE)


class PostingsInline(ReadOnlyInline):
    model = Posting
    verbose_name_plural = _("Accounts it moved")
    fields = ("id", "of", "amount", "after")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("account__organization").order_by("pk")

    @admin.display(description=_("account"))
    def of(self, row: Posting) -> SafeString | str:
        account = row.account
        text = f"{account.organization} · {account.get_kind_display()}"
        return link(account, text)

    @admin.display(description=_("credits"))
    def amount(self, row: Posting) -> str:
        return format_credits(row.amount_microcredits)

    @admin.display(description=_("balance after"))
    def after(self, row: Posting) -> str:
        return format_credits(row.balance_after_microcredits)


class LedgerEntryAdmin(ReadOnlyAdmin):
    label = _("Ledger entries")
    icon = "receipt"
    list_display = ("created_at", "kind", "organization", "memo", "source", "actor")
    list_select_related = ("organization", "actor")
    list_filter = ("kind", AgencyFilter, OrganizationFilter)
    search_fields = ("idempotency_key",)
    search_help_text = _("The id of a call or an idempotency key, whole.")
    ordering = ("-pk",)
    fields = (
        "created_at",
        "kind",
        "organization",
        "memo",
        "source",
        "source_id",
        "idempotency_key",
        "actor",
        "corrects_entry",
        "corrected_by",
        "figures",
    )
    inlines = (PostingsInline,)
    change_form_template = "ops/entry.html"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By index only: an operator's search may not read all of the journal."""
        if not search_term:
            return queryset, False
        if source := as_uuid(search_term):
            return queryset.filter(source_id=source), False
        return queryset.filter(idempotency_key=search_term), False

    @admin.display(description=_("corrects"))
    def corrects_entry(self, row: LedgerEntry) -> SafeString | str:
        corrected = row.corrects
        return link(corrected, corrected.get_kind_display() if corrected else None)

    @admin.display(description=_("corrected by"))
    def corrected_by(self, row: LedgerEntry) -> SafeString | str:
        return (
            format_html_join(
                ", ", "{}", ((link(one, one.memo),) for one in corrections_of(row.pk))
            )
            or "–"
        )

    @admin.display(description=_("figures"))
    def figures(self, row: LedgerEntry) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(row.details, indent=2))


class PostingAdmin(ReadOnlyAdmin):
    label = _("Postings")
    icon = "coins"
    list_display = ("id", "created_at", "organization", "kind", AMOUNT, AFTER)
    list_select_related = ("organization", "account", "entry")
    list_filter = (AgencyFilter, OrganizationFilter)
    ordering = ("-pk",)
    fields = (
        "id",
        "created_at",
        "organization",
        "kind",
        "of_entry",
        AMOUNT,
        AFTER,
    )

    @admin.display(description=_("account"))
    def kind(self, row: Posting) -> SafeString | str:
        return link(row.account, row.account.get_kind_display())

    @admin.display(description=_("entry"))
    def of_entry(self, row: Posting) -> SafeString | str:
        return link(row.entry, row.entry.get_kind_display())


class HoldAdmin(ReadOnlyAdmin):
    label = _("Holds")
    icon = "lock"
    searched_id = "source_id"
    list_display = (
        "id",
        "created_at",
        "organization",
        "state",
        "seconds",
        AMOUNT,
        "expires_at",
    )
    list_select_related = ("organization",)
    list_filter = ("state", AgencyFilter, OrganizationFilter)
    search_fields = ("source_id",)
    search_help_text = _("The id of a call, whole.")
    ordering = ("-pk",)
    fields = (
        "id",
        "organization",
        "state",
        "source",
        "source_id",
        "seconds",
        AMOUNT,
        _credits("price_microcredits_per_minute", _("price per minute")),
        _credits("settled_microcredits", _("settled")),
        _credits("shortfall_microcredits", _("shortfall")),
        "expires_at",
        "created_at",
        "closed_at",
    )


class PriceAdmin(ReadOnlyAdmin):
    label = _("Prices")
    icon = "credit-card"
    list_display = ("organization", "client", *_PRICE)
    list_select_related = ("organization", "client")
    list_filter = (AgencyFilter,)
    fields = list_display


class PlatformPriceAdmin(ReadOnlyAdmin):
    label = _("Platform prices")
    icon = "credit-card"
    list_tools = ((_("Set prices"), "admin:platform_prices", "plus"),)
    list_display = ("agency", *_PRICE, "set_by")
    list_select_related = ("agency", "set_by")
    fields = list_display


class CreditLotAdmin(ReadOnlyAdmin):
    label = _("Credit lots")
    icon = "coins"
    list_display = (
        "created_at",
        "organization",
        "kind",
        AMOUNT,
        _credits("remaining_microcredits", _("left when last looked at")),
        "expires_at",
    )
    list_select_related = ("organization",)
    list_filter = ("kind", AgencyFilter, OrganizationFilter)
    ordering = ("-pk",)
    fields = (*list_display, "priority", "entry")


MONEY: Final[Shown] = {
    Account: AccountAdmin,
    LedgerEntry: LedgerEntryAdmin,
    Posting: PostingAdmin,
    Hold: HoldAdmin,
    Price: PriceAdmin,
    PlatformPrice: PlatformPriceAdmin,
    CreditLot: CreditLotAdmin,
}
