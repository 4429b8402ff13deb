"""Files sent to the API: forms of several parts, at the few addresses that take one.

The file waits in a temporary one, whatever its size; JSON is never read from here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from portal.api.body import RefusedBody, check_value
from portal.body_limits import file_bytes


def takes_file(request: HttpRequest) -> bool:
    """Whether this address wants a form with a file instead of JSON."""
    return file_bytes(request.method or "", request.path) > 0


def read_form(request: HttpRequest) -> dict[str, Any]:
    """Return the fields of a form; its files are read, or it is refused."""
    if request.content_type != "multipart/form-data":
        raise RefusedBody(
            "unsupported_media_type", "Send the file as multipart/form-data."
        )
    limit = file_bytes(request.method or "", request.path)
    if _length_of(request) > limit:
        raise RefusedBody("body_too_large", f"The body may have {limit} bytes.")
    try:
        fields: dict[str, Any] = dict(request.POST.lists())
        names = {name: str(file.name) for name, file in _files(request)}
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError) as error:
        raise RefusedBody("invalid_request", "The form cannot be read.") from error
    check_value(fields)
    check_value(names)
    return fields


def _length_of(request: HttpRequest) -> int:
    """Return how long a body is; one that came in pieces says so itself from here on.

    Its sender names no length (`Transfer-Encoding: chunked`), and the framework takes
    a form without one for empty. The server has the whole of it in a file by now.
    """
    declared = request.META.get("CONTENT_LENGTH") or ""
    if declared.isdecimal():
        return int(declared)
    body = getattr(request, "_stream", None)
    if not (body and body.seekable()):
        return 0
    length: int = body.seek(0, os.SEEK_END)
    body.seek(0)
    request.META["CONTENT_LENGTH"] = str(length)
    return length


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
