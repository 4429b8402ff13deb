"""The sound of a call: the recording, seekable, and its waveform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO
from uuid import UUID

from django.core.files.storage import storages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_GET

from calls.models import Call
from calls.queries import get_call
from portal.http import MemberRequest
from portal.permissions import Permission, requires
from portal.sealed_storage import plain_name

_RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
_CHUNK_BYTES = 64 * 1024


@require_GET
@requires(Permission.CALLS_READ)
def call_waveform(request: MemberRequest, call_id: UUID) -> JsonResponse:
    """Peaks of both speakers, as the player draws them."""
    call = get_call(call_id)
    peaks = call.waveform
    return JsonResponse(
        {
            "duration_ms": call.recording_ms,
            "user": [value / 100 for value in peaks.get("caller", [])],
            "assistant": [value / 100 for value in peaks.get("assistant", [])],
        }
    )


@require_GET
@requires(Permission.CALLS_READ)
def call_recording(request: MemberRequest, call_id: UUID) -> HttpResponseBase:
    """The recording, in whole or by a byte range, so that a player can seek."""
    return recording_response(request, get_call(call_id))


def recording_response(request: HttpRequest, call: Call) -> HttpResponseBase:
    """Return a call's sound, or the byte range that was asked for; 404 without one."""
    storage = storages["recordings"]
    if not call.recording or not storage.exists(call.recording):
        raise Http404("No recording.")
    size = storage.size(call.recording)
    wanted = byte_range(request.headers.get("Range", ""), size)
    if wanted is None:
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{size}"
        return response
    first, last = wanted
    name = plain_name(call.recording)
    response = StreamingHttpResponse(
        _piece(storage.open(call.recording), first, last),
        status=206 if "Range" in request.headers else 200,
        content_type="audio/webm" if name.endswith(".webm") else "audio/wav",
    )
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(last - first + 1)
    if response.status_code == 206:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Cache-Control"] = "private, no-store"
    if "download" in request.GET:
        filename = name.rpartition("/")[2]
        response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a single range (RFC 9110, 14.1.2).

    A header that is none, or several ranges, means the whole; `None` is a range that
    lies outside.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.group(0) == "bytes=-":
        return (0, size - 1)
    start, end = match.groups()
    if not start:
        length = min(int(end), size)
        return (size - length, size - 1) if length else None
    first = int(start)
    last = min(int(end), size - 1) if end else size - 1
    return (first, last) if first <= last else None


def _piece(file: IO[bytes], first: int, last: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = last - first + 1
        while left > 0 and (chunk := file.read(min(_CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
