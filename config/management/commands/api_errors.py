"""Write docs/api-errors.md from the table of codes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.api.errors import CODES

_HEAD = """\
# Errors of the API

Made from `portal/api/errors.py` by `manage.py api_errors --write`; the API cannot answer
a code that is not here.

Every error is one JSON object. `param` is the path of the field at fault, such as
`llm_config.tools[2].function.name`, or null. `message` stands outside as well for
clients of the older shape; `details` lists every fault of a request; `retry_after`, in
seconds, comes with the `Retry-After` header.

```json
{
  "error": {
    "code": "missing_field",
    "message": "Missing required field: name",
    "param": "name",
    "type": "validation_error"
  },
  "message": "Missing required field: name",
  "details": ["name: Missing required field: name"]
}
```

| Status | Code | Type | Cause | Cure |
|---|---|---|---|---|
"""


class Command(BaseCommand):
    help = "Print the page of error codes, or write it with --write."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            (settings.BASE_DIR / "docs" / "api-errors.md").write_text(table())
        else:
            self.stdout.write(table())


def table() -> str:
    """Return the page, by status."""
    rows = [
        f"| {code.status} | `{name}` | `{code.type}` | {code.cause} | {code.cure} |\n"
        for name, code in sorted(CODES.items(), key=lambda item: item[1].status)
    ]
    return _HEAD + "".join(rows)
