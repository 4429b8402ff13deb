"""`make messages`: the catalogues in `locale/`, made anew from what the code says.

Wants `xgettext` (Debian's `gettext`). A new text comes in without a translation; until it
has one, `tests/house/test_messages.py` names it. The compiled catalogues are kept in
the repository, so that nothing has to be built before a page speaks Dutch.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.core.management.commands import makemessages

_NOT_OURS: Final = (".venv", "bench", "node_modules", "tests", "var")
_CLOCK: Final = re.compile(r'^"POT-Creation-Date: .*\n', re.MULTILINE)


def catalogue_files() -> list[Path]:
    """Return the catalogue of each language but English, which is in the code."""
    (root,) = settings.LOCALE_PATHS
    codes = [code for code, _name in settings.LANGUAGES if code != "en"]
    return [Path(root) / code / "LC_MESSAGES" / "django.po" for code in codes]


def is_translated(message: Message) -> bool:
    """Whether every form of a message has words."""
    words = message.string
    return all(words) if isinstance(words, (tuple, list)) else bool(words)


class _Gathering(makemessages.Command):
    """Leaves a new text empty instead of guessing at one that looks like it."""

    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]


class Command(BaseCommand):
    help = "Gather the texts of templates and code into locale/, and compile it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--compile", action="store_true", help="Compile only, gather nothing."
        )

    def handle(self, *args: Any, compile: bool, **options: Any) -> None:
        files = catalogue_files()
        if not compile:
            call_command(
                _Gathering(),
                locale=[path.parts[-3] for path in files],
                ignore_patterns=list(_NOT_OURS),
                add_location="file",
                no_obsolete=True,
                no_wrap=True,
                verbosity=0,
            )
        for path in files:
            text = _CLOCK.sub("", path.read_text(encoding="utf-8"))
            path.write_text(text, encoding="utf-8")
            with path.open("rb") as source:
                catalogue = read_po(source, locale=path.parts[-3])
            with path.with_suffix(".mo").open("wb") as target:
                write_mo(target, catalogue)
            missing = sum(1 for one in catalogue if not is_translated(one))
            self.stdout.write(f"{path.parts[-3]}: {len(catalogue)}, {missing} missing")
