"""Fill the demo with two agencies and their clients."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.demo.seeding import seed


class Command(BaseCommand):
    help = "Make the demo's agencies, clients, people and assistants; run again, nothing changes."

    def handle(self, *args: Any, **options: Any) -> None:
        seed()
