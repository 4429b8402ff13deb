"""Move every secret at rest to the first key of SEALING_KEYS: `manage.py reseal`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from portal.sealed import key_ring, reseal_all


class Command(BaseCommand):
    help = "Seal all secrets with the first key; afterwards older keys may go."

    def handle(self, *args: Any, **options: Any) -> None:
        count = reseal_all()
        self.stdout.write(f"{count} secrets moved to the key {key_ring().primary}.")
