"""A POST with an `Idempotency-Key` happens once, whatever the network does.

The key's row, what the request did and its answer are one transaction. A second
request with the same key waits for the first, then gets its answer; after a crash
there is nothing, and the second one does the work. A refused request leaves no row:
it did nothing, so it may be sent again.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from cryptography.fernet import Fernet
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from common.ids import uuid7
from portal.api.errors import error_response
from portal.models import APIKey, IdempotentAnswer

HEADER: Final = "Idempotency-Key"
KEPT_FOR: Final = timedelta(hours=24)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def answer_once(
    request: HttpRequest,
    api_key: APIKey,
    body: Any,
    answer: Callable[[], HttpResponseBase],
) -> HttpResponseBase:
    """Return `answer()`, or what it returned for this key before.

    Runs in the organization's scope. Another request with the same key is a conflict.
    """
    name = request.headers[HEADER]
    if not _KEY.fullmatch(name):
        return error_response(
            "invalid_request",
            "Use 1 to 255 visible ASCII characters.",
            param=HEADER,
        )
    digest = _digest(request, body)
    mine = IdempotentAnswer(
        id=uuid7(),
        organization_id=api_key.organization_id,
        agency_id=api_key.agency_id,
        api_key=api_key,
        key=name,
        request_digest=digest,
    )
    with transaction.atomic():
        IdempotentAnswer.objects.filter(
            api_key=api_key, created_at__lt=timezone.now() - KEPT_FOR
        ).delete()
        # Waits for a transaction that holds the same key.
        IdempotentAnswer.objects.bulk_create([mine], ignore_conflicts=True)
        kept = IdempotentAnswer.objects.get(api_key=api_key, key=name)
        if kept.pk != mine.pk:
            return _again(kept, digest, _seal_of(request))
        response = answer()
        if response.status_code >= 400:
            transaction.set_rollback(True)
            return response
        if not response.get("Content-Type", "").startswith("application/json"):
            mine.delete()  # a file: it was read, and is read again
            return response
        assert isinstance(response, HttpResponse)
        IdempotentAnswer.objects.filter(pk=mine.pk).update(
            status=response.status_code,
            sealed_body=_seal_of(request).encrypt(response.content),
        )
    return response


def _again(kept: IdempotentAnswer, digest: str, seal: Fernet) -> HttpResponseBase:
    if kept.request_digest != digest:
        return error_response(
            "idempotency_conflict",
            "This key was used before with another request.",
            param=HEADER,
        )
    response = HttpResponse(
        seal.decrypt(bytes(kept.sealed_body)),
        status=kept.status,
        content_type="application/json",
    )
    response["Idempotent-Replayed"] = "true"
    return response


def _digest(request: HttpRequest, body: Any) -> str:
    """Return the digest of what is asked; spaces and the order of fields are no part."""
    text = json.dumps([request.get_full_path(), body], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _seal_of(request: HttpRequest) -> Fernet:
    """Return the seal that only the bearer of the API key can open."""
    bearer = request.headers["Authorization"].partition(" ")[2].strip()
    digest = hashlib.sha256(b"idempotent answer " + bearer.encode()).digest()
    return Fernet(urlsafe_b64encode(digest))
