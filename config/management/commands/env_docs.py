"""`make env-docs`: README's table and .env.example, from the readers in config.env."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.env import REGISTRY, Variable

_BEGIN = "<!-- settings: made by `make env-docs` -->"
_END = "<!-- end of settings -->"
_OF_THE_MACHINE = {"VAR_DIR": "var"}  # defaults that name this checkout's folder


def _default(variable: Variable) -> str:
    return _OF_THE_MACHINE.get(variable.name, variable.default)


def table() -> str:
    """The variables as a Markdown table, in the order the settings read them."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for variable in REGISTRY.values():
        default = f"`{_default(variable)}`" if _default(variable) else ""
        meaning = variable.help.replace("|", "\\|").replace("<", "&lt;")
        secret = " Also as a file: `_FILE`." if variable.is_secret else ""
        rows.append(f"| `{variable.name}` | {default} | {meaning}{secret} |")
    return "\n".join(rows)


def example() -> str:
    """The text of .env.example: every variable, commented out, at its default."""
    lines = [
        "# Every variable, at its default. A secret may also be given as NAME_FILE."
    ]
    for variable in REGISTRY.values():
        lines += ["", f"# {variable.help}", f"# {variable.name}={_default(variable)}"]
    return "\n".join(lines) + "\n"


def with_table(readme: str) -> str:
    """Return README's text with the table between its two marks made anew."""
    head, _, rest = readme.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"


class Command(BaseCommand):
    help = "Print the documentation of the environment, or write it into its files."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true")

    def handle(self, *args: Any, write: bool, **options: Any) -> None:
        if not write:
            self.stdout.write(f"{table()}\n\n{example()}")
            return
        root = Path(settings.BASE_DIR)
        readme = root / "README.md"
        readme.write_text(with_table(readme.read_text(encoding="utf-8")), "utf-8")
        (root / ".env.example").write_text(example(), encoding="utf-8")
