"""Asking a vendor whether a key works, before it is kept.

KeyRefused    the vendor says no, or the key cannot be one of its
KeyUnchecked  nobody answered: unknown is not good, so the key is not kept
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.utils.translation import gettext as _

from assistants.key_kinds import Config, KeyKind
from common.http import OutboundError, Request, send

_TIMEOUT_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 2 * 1024 * 1024  # a list of models may be long
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
_LABEL: Final = re.compile(r"[a-z0-9-]{2,40}")
_KEY_LOOKS: Final = re.compile(r"[\x21-\x7e]{8,500}")


class KeyRefused(Exception):
    """The key does not work; the message says why. `param`: the field at fault."""

    def __init__(self, message: str, param: str = "api_key") -> None:
        super().__init__(message)
        self.param = param


class KeyUnchecked(Exception):
    """The vendor could not be asked."""


@dataclass(frozen=True)
class Checked:
    """The key works; `note` says what it may not do."""

    note: str = ""


def check_key(kind: KeyKind, key: str, config: Config) -> Checked:
    """Ask the vendor. Returns only for a key that it takes."""
    _check_config(kind, config)
    if kind.is_service_account:
        request = _token_request(kind, key)
    else:
        if not _KEY_LOOKS.fullmatch(key):
            raise KeyRefused(_("This is no key of %(vendor)s.") % _named(kind))
        headers = {**kind.headers(key), **kind.more_headers}
        request = Request(
            kind.url(config),
            method="GET",
            headers=headers,
            timeout_s=_TIMEOUT_S,
            max_answer_bytes=_MAX_ANSWER_BYTES,
        )
    try:
        answer = send(request)
    except OutboundError as error:
        if error.kind in ("bad_url", "address_refused"):
            raise KeyRefused(str(error), "config.base_url") from error
        raise KeyUnchecked(
            _("%(vendor)s could not be asked about the key: %(reason)s Try again.")
            % {"vendor": kind.label, "reason": error}
        ) from error
    return _judge(kind, key, answer.status, answer.body)


def _judge(kind: KeyKind, key: str, status: int, body: bytes) -> Checked:
    if 200 <= status < 300:
        return Checked()
    said = _said(body).replace(key, "…")
    lowered = body[:4_000].decode("utf-8", "replace").lower()
    if any(word in lowered for word in kind.real_but_narrow):
        return Checked(_("The key is limited: %(said)s") % {"said": said})
    if status == 429 or status == 402:
        return Checked(_("%(vendor)s says that its quota is used up.") % _named(kind))
    if status >= 500:
        raise KeyUnchecked(
            _("%(vendor)s has trouble (status %(status)s). Try again later.")
            % {"vendor": kind.label, "status": status}
        )
    raise KeyRefused(
        _("%(vendor)s refused this key (status %(status)s): %(said)s")
        % {"vendor": kind.label, "status": status, "said": said or _("no reason given")}
    )


def _said(body: bytes) -> str:
    """What a vendor's refusal says to a person, whatever shape it has."""
    try:
        value = json.loads(body)
    except ValueError:
        return ""
    for _depth in range(4):
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, dict):
            break
        value = next(
            (
                value[name]
                for name in ("error", "message", "detail", "err_msg", "description")
                if value.get(name)
            ),
            "",
        )
    return value[:200] if isinstance(value, str) else ""


def _check_config(kind: KeyKind, config: Config) -> None:
    known = {field.name: field for field in kind.config}
    for name, value in config.items():
        if name not in known:
            raise KeyRefused(
                _("%(vendor)s has no setting “%(name)s”.")
                % {"vendor": kind.label, "name": name},
                f"config.{name}",
            )
        if not isinstance(value, str) or len(value) > 500:
            raise KeyRefused(_("Give a text."), f"config.{name}")
        choices = known[name].choices
        if choices and value not in choices:
            raise KeyRefused(
                _("Choose one of: %(choices)s.") % {"choices": ", ".join(choices)},
                f"config.{name}",
            )
        if name == "region" and not _LABEL.fullmatch(value):
            raise KeyRefused(_("Give a region such as westeurope."), "config.region")
    for name, one in known.items():
        if one.is_required and not config.get(name):
            raise KeyRefused(
                _("%(vendor)s needs this beside the key.") % _named(kind),
                f"config.{name}",
            )


def _named(kind: KeyKind) -> dict[str, str]:
    return {"vendor": kind.label}


def _token_request(kind: KeyKind, key: str) -> Request:
    """A service account proves itself by exchanging a signed assertion for a token."""
    account = _service_account(kind, key)
    now = int(time.time())
    claims = {
        "iss": account["client_email"],
        "scope": _SCOPE,
        "aud": _TOKEN_URL,
        "iat": now,
        "exp": now + 300,
    }
    unsigned = b".".join(
        _base64url(json.dumps(part).encode())
        for part in ({"alg": "RS256", "typ": "JWT"}, claims)
    )
    signature = account["signer"].sign(unsigned, padding.PKCS1v15(), hashes.SHA256())
    assertion = (unsigned + b"." + _base64url(signature)).decode()
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return Request(
        kind.url({}),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode({"grant_type": grant, "assertion": assertion}).encode(),
        timeout_s=_TIMEOUT_S,
    )


def _service_account(kind: KeyKind, key: str) -> dict[str, Any]:
    wrong = KeyRefused(
        _("Paste the whole JSON file of a service account of Google Cloud.")
    )
    try:
        account = json.loads(key)
        signer = serialization.load_pem_private_key(
            str(account["private_key"]).encode(), password=None
        )
        email = str(account["client_email"])
    except (ValueError, KeyError, TypeError, UnsupportedAlgorithm) as error:
        raise wrong from error
    if not isinstance(signer, rsa.RSAPrivateKey):
        raise wrong
    return {"client_email": email, "signer": signer}


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
