"""Static files: hashed names in production, plain names where nothing was collected.

Imports inside style sheets and ES modules are rewritten to hashed names as well, so
that every file can be cached for ever. A checkout that was never collected (a test, a
developer) serves plain names; that every `{% static %}` names a real file is what
`tests/house/test_templates.py` checks.
"""

from __future__ import annotations

from typing import cast

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class PortavoceStaticFilesStorage(ManifestStaticFilesStorage):
    """Give a hashed name when the manifest knows the file, else the plain one."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        known = self.hashed_files.get(self.hash_key(self.clean_name(name)))
        return cast("str", known or name)
