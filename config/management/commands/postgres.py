"""The embedded database alone, migrated, until Ctrl-C: `make run` works against it."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from config import embedded, postgres


class Command(BaseCommand):
    help = "Run the embedded PostgreSQL in the foreground."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if not embedded.is_default():
            raise CommandError(
                "DATABASE_URL is set: the embedded database is not used."
            )
        cluster = postgres.prepare(embedded.postgres_folder(settings.VAR_DIR))
        server = postgres.Server(cluster)
        try:
            server.start()
            call_command("migrate", interactive=False, verbosity=0)
            self.stdout.write(f"Serving {cluster.conninfo()}; Ctrl-C stops it.")
            signal.pause()
        except postgres.PostgresError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            pass
        finally:
            server.stop()
