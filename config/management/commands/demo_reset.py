"""`make demo-reset`: remove the demo's data. Names each folder; guesses none."""

from __future__ import annotations

import shutil
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config import embedded
from config.management.commands.demo import only_one

# What processes write under VAR_DIR; anything else there is not ours to remove.
_MADE_AT_RUN_TIME = (
    "beat",
    "broker",
    "mail",
    "media",
    "recordings",
    "static",
    "demo.json",
    "secret_key",
    "sealing_key",
    ".packages-skipped",
)


class Command(BaseCommand):
    help = "Throw the demo's data away; the next `make demo` starts over."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        with only_one(settings.VAR_DIR):
            paths = [settings.VAR_DIR / name for name in _MADE_AT_RUN_TIME]
            if embedded.is_default():
                folder = embedded.postgres_folder(settings.VAR_DIR)
                socket = embedded.socket_folder(folder) if folder.exists() else folder
                paths += [folder, socket]
            else:
                self.stdout.write("DATABASE_URL is set: that database is left alone.")
            for path in paths:
                if path.is_dir():
                    shutil.rmtree(path)
                    self.stdout.write(f"Removed {path}")
                else:
                    path.unlink(missing_ok=True)
        self.stdout.write("The next `make demo` starts over.")
