"""What is named by its path and imported when it is first called.

Web and worker processes list carriers and check what a person typed; the voice library
and the vendors' clients, which a carrier's own code loads, take seconds to import.
"""

from __future__ import annotations

from typing import Any

from django.utils.module_loading import import_string


class OnUse:
    """A function, by its path. A house test loads every one that a carrier names."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, *args: Any) -> Any:
        return self.load()(*args)

    def load(self) -> Any:
        """Return the function itself; raise `ImportError` when there is none."""
        return import_string(self.path)
