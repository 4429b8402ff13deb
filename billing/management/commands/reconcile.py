"""`manage.py reconcile`: check the books, print what is wrong, exit 1 on drift."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing.models import Account, LedgerEntry
from billing.reconciliation import reconcile
from portal.scope import all_organizations


class Command(BaseCommand):
    help = "Check every balance against the journal. Edits nothing; exit 1 on drift."

    def handle(self, *args: Any, **options: Any) -> None:
        drifts = reconcile()
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
