"""Files sent to the API: forms of several parts, at the few addresses that take one.

The file waits in a temporary one, whatever its size; JSON is never read from here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from portal.api.body import RefusedBody, check_value

# A list of people has 500 MB at most; the rest of the form is small.
MAX_BYTES: Final = 501_000_000
_TAKING: Final = re.compile(r"/api/v1/campaigns/[^/]+/imports(?:/preview)?")


def takes_file(request: HttpRequest) -> bool:
    """Whether this address wants a form with a file instead of JSON."""
    return request.method == "POST" and _TAKING.fullmatch(request.path) is not None


def read_form(request: HttpRequest) -> dict[str, Any]:
    """Return the fields of a form; its files are read, or it is refused."""
    if request.content_type != "multipart/form-data":
        raise RefusedBody(
            "unsupported_media_type", "Send the file as multipart/form-data."
        )
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if declared.isdecimal() and int(declared) > MAX_BYTES:
        raise RefusedBody("body_too_large", f"The body may have {MAX_BYTES} bytes.")
    try:
        fields: dict[str, Any] = dict(request.POST.lists())
        names = {name: str(file.name) for name, file in _files(request)}
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError) as error:
        raise RefusedBody("invalid_request", "The form cannot be read.") from error
    check_value(fields)
    check_value(names)
    return fields


def digests_of(request: HttpRequest) -> dict[str, str]:
    """Return the digest of each file, to know the same one again."""
    digests = {}
    for name, file in _files(request):
        digest = hashlib.sha256()
        for block in file.chunks():
            digest.update(block)
        file.seek(0)
        digests[name] = digest.hexdigest()
    return digests


def _files(request: HttpRequest) -> Iterator[tuple[str, UploadedFile[Any]]]:
    for name, file in request.FILES.items():
        assert not isinstance(file, list)  # as the stubs have it
        yield name, file
