"""Make a key for SEALING_KEYS: `manage.py sealing_key k2`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common.sealing import new_key


class Command(BaseCommand):
    help = "Print a fresh key. Put it first in SEALING_KEYS and keep the older ones."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name", nargs="?", default="k1", help="its name, such as k2"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(new_key(options["name"]))
