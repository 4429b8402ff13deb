"""`manage.py reconcile`: check the books, print what is wrong, exit 1 on drift."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from billing.models import Account, LedgerEntry
from billing.payments.clearing import check_clearing
from billing.reconciliation import reconcile
from portal.scope import all_organizations


class Command(BaseCommand):
    help = "Check every balance against the journal. Edits nothing; exit 1 on drift."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stripe",
            action="store_true",
            help="Compare the last weeks with Stripe’s balance transactions as well.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        drifts = reconcile()
        if options["stripe"]:
            drifts += check_clearing(timezone.now())
        with all_organizations("the size of the books is reported"):
            accounts, entries = Account.objects.count(), LedgerEntry.objects.count()
        for drift in drifts:
            self.stdout.write(self.style.ERROR(str(drift)))
        self.stdout.write(
            f"{accounts} accounts, {entries} entries: "
            + (f"{len(drifts)} wrong." if drifts else "all agree.")
        )
        if drifts:
            raise SystemExit(1)
