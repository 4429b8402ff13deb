"""Static files: hashed names in production, plain names where nothing was collected.

Imports inside style sheets and ES modules are rewritten to hashed names as well, so
that every file can be cached for ever. A checkout that was never collected (a test, a
developer) serves plain names; that every `{% static %}` names a real file is what
`tests/house/test_templates.py` checks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, cast

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage
from django.core.files.base import ContentFile
from whitenoise.compress import Compressor

ENTRY_SHEET: Final = "css/app.css"
_IMPORT: Final = re.compile(r'@import "\./(?P<path>.+?)" layer\((?P<layer>\w+)\);')


class PortavoceStaticFilesStorage(ManifestStaticFilesStorage):
    """Give a hashed name when the manifest knows the file, else the plain one."""

    manifest_strict = False
    support_js_module_import_aggregation = True
    # Our modules only: comments in other packages' scripts read like imports of files
    # that do not exist, and collecting would stop at them.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        # django-stubs does not know it; it is what the flag above switches on.
        ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )

    def stored_name(self, name: str) -> str:
        return self.hashed_files.get(self.hash_key(self.clean_name(name))) or name

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        """Join the style sheets to one before names are hashed.

        A page then asks for one file instead of some forty; what it means is the
        same, as an import into a layer is a block of that layer.
        """
        if not dry_run and ENTRY_SHEET in paths:
            joined = ContentFile(self._joined(paths).encode())
            self.delete(ENTRY_SHEET)
            self.save(ENTRY_SHEET, joined)
            paths[ENTRY_SHEET] = (self, ENTRY_SHEET)
        yield from super().post_process(paths, dry_run, **options)
        if not dry_run:
            self._compress()

    def _compress(self) -> None:
        """Lay a compressed file beside each that a page asks for; WhiteNoise sends it.

        A first visit then takes a third of the bytes. Pages themselves stay as they
        are: compressed together with a secret, their size would tell about it.
        """
        compressor = Compressor(use_brotli=False, quiet=True)
        for name in set(self.hashed_files.values()):
            if compressor.should_compress(name):
                for _made in compressor.compress(self.path(name)):
                    pass

    @staticmethod
    def _joined(paths: dict[str, Any]) -> str:
        def read(name: str) -> str:
            storage, path = paths[name]
            with storage.open(path) as file:
                return cast("bytes", file.read()).decode()

        folder = ENTRY_SHEET.rpartition("/")[0]

        def block(found: re.Match[str]) -> str:
            rules = read(f"{folder}/{found['path']}")
            return f"@layer {found['layer']} {{\n{rules}}}"

        return _IMPORT.sub(block, read(ENTRY_SHEET))
