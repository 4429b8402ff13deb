"""Render one sentence in a voice of the catalogue, for the gallery.

A process of its own: the web process does not carry the speech libraries, and gives
back what a rare sample took.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from assistants.keys import OwnKey, Payer
from calls.node.credentials import installation_credentials, with_own_keys
from calls.vendors.errors import ProviderError
from calls.vendors.sample import spoken


class Command(BaseCommand):
    help = "Write one sentence in a voice of the catalogue to stdout, as WAV."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider")
        parser.add_argument("voice_id")
        parser.add_argument("text")
        parser.add_argument("--language", default="en")

    def handle(self, *args: Any, **options: Any) -> None:
        credentials = with_own_keys(installation_credentials(), self._own_keys())
        work = spoken(
            options["provider"],
            options["voice_id"],
            options["text"],
            language=options["language"],
            credentials=credentials,
        )
        try:
            sys.stdout.buffer.write(asyncio.run(work))
        except ProviderError as error:
            raise CommandError(error.message) from error

    def _own_keys(self) -> dict[str, OwnKey]:
        """Read somebody's own keys from standard input, by name; mostly there are none."""
        given = "" if sys.stdin.isatty() else sys.stdin.read()
        return {
            name: OwnKey(one["api_key"], Payer(one["payer"]), one["config"])
            for name, one in json.loads(given or "{}").items()
        }
