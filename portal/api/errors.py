"""The one shape of an API error, and every code that may stand in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NotRequired, TypedDict

from django.http import JsonResponse

Location = tuple[int | str, ...]


class ErrorDetail(TypedDict):
    code: str
    message: str
    param: str | None
    type: str


class ErrorBody(TypedDict):
    """`message` and `details` repeat for clients of the older, flat shape."""

    error: ErrorDetail
    message: str
    details: NotRequired[list[str]]
    retry_after: NotRequired[int]


@dataclass(frozen=True)
class Code:
    """What a code means: its HTTP status, its family, why it comes and what helps."""

    status: int
    type: str
    cause: str
    cure: str


# What is not here cannot be answered. docs/api-errors.md is this table.
CODES: Final[dict[str, Code]] = {
    "invalid_request": Code(
        400,
        "validation_error",
        "A field, a filter or the body as a whole cannot be used; `param` names the field.",
        "Correct what `message` says. `details` lists every fault at once.",
    ),
    "missing_field": Code(
        400,
        "validation_error",
        "A required field is absent; `param` names it.",
        "Send the field.",
    ),
    "malformed_json": Code(
        400,
        "validation_error",
        "The body is not JSON in UTF-8, or is nested too deeply.",
        "Send one JSON object. Numbers must be finite and fit into 64 bits.",
    ),
    "call_not_active": Code(
        400,
        "conflict_error",
        "A command for a call that has not been answered yet, is over, or goes on with a "
        "person instead of the assistant.",
        "Send commands only while the call's status is `in-progress` and nobody has "
        "taken the caller over.",
    ),
    "unauthorized": Code(
        401,
        "authentication_error",
        "No key, an unknown key, or a key of another portal than the host's.",
        "Send `Authorization: Bearer <key>` with a key made on this portal.",
    ),
    "api_key_expired": Code(
        401, "authentication_error", "The key's last day is over.", "Make a new key."
    ),
    "api_key_revoked": Code(
        401,
        "authentication_error",
        "Somebody revoked this key.",
        "Use the key that took its place.",
    ),
    "provider_unreachable": Code(
        400,
        "availability_error",
        "A vendor could not be asked, such as whether a key works, so nothing was kept.",
        "Try again; look at the vendor's status page if it lasts.",
    ),
    "mail_provider": Code(
        400,
        "availability_error",
        "Resend refused, or could not be reached; `message` says which.",
        "Correct what `message` says, or try again later.",
    ),
    "vendor_failed": Code(
        400,
        "availability_error",
        "A vendor's model or voice refused, was silent, or answered what has no use.",
        "Do what `message` says, or try again.",
    ),
    "insufficient_credits": Code(
        402,
        "billing_error",
        "The credits do not pay for the shortest call.",
        "Add credits, then send the request again.",
    ),
    "forbidden": Code(
        403,
        "permission_error",
        "The key has no right to this operation.",
        "Use a key of the organization that may do it; only agencies open organizations.",
    ),
    "plan_limit": Code(
        403,
        "permission_error",
        "The organization has as many assistants, numbers or people as its agency allows.",
        "Delete one, or ask the agency for more.",
    ),
    "address_not_allowed": Code(
        403,
        "permission_error",
        "The key has a list of networks, and the request came from another one.",
        "Send from an address of the list, or add its network to the key.",
    ),
    "origin_not_allowed": Code(
        403,
        "permission_error",
        "A browser opened the socket of a call in a website that the call does not allow; "
        "the socket says so and closes with 4403.",
        "Name the page's origin in `allowed_origins` of the call, or in the key's `origins`.",
    ),
    "test_key": Code(
        403,
        "permission_error",
        "A test key was used for what calls people, asks a vendor or moves money.",
        "Use a live key. Calls that a test key starts are carried by the simulator, by "
        "vendors that need no network, and cost nothing.",
    ),
    "not_found": Code(
        404,
        "not_found_error",
        "There is nothing at this address that this key may see.",
        "Check the path and the id.",
    ),
    "method_not_allowed": Code(
        405,
        "invalid_request_error",
        "The address exists but does not take this method.",
        "Use a method of the `Allow` header.",
    ),
    "conflict": Code(
        409,
        "conflict_error",
        "The change contradicts what is there, such as a number that is taken; `param` "
        "names the field at fault, if it is one.",
        "Read the object again and decide anew; repeating the request does not help.",
    ),
    "idempotency_conflict": Code(
        409,
        "conflict_error",
        "The `Idempotency-Key` was used before with another request.",
        "Use a new key for a new request; repeat the same body for the same one.",
    ),
    "assistant_not_ready": Code(
        409,
        "conflict_error",
        "The assistant is switched off.",
        "Set its `is_active` to true.",
    ),
    "call_refused": Code(
        409,
        "conflict_error",
        "The call cannot be started as things are.",
        "Do what `message` says.",
    ),
    "campaign_not_ready": Code(
        409,
        "conflict_error",
        "The campaign lacks something it needs to run, or has ended for good.",
        "Do what `message` says.",
    ),
    "organization_suspended": Code(
        409,
        "permission_error",
        "Calls of this organization are suspended.",
        "Contact support.",
    ),
    "region_not_allowed": Code(
        400,
        "validation_error",
        "The privacy policy of the organization or its agency forbids where `param` sends data.",
        "Choose a provider in the allowed region, or declare your own host in the policy.",
    ),
    "destination_not_allowed": Code(
        403,
        "permission_error",
        "The number is premium, satellite, or outside what the organization may call.",
        "Call another number, or ask for it to be allowed under the calling limits.",
    ),
    "calls_halted": Code(
        409,
        "permission_error",
        "Somebody stopped all calls of the organization, its agency or the installation.",
        "Contact support.",
    ),
    "payments_not_ready": Code(
        409,
        "billing_error",
        "Nothing can be bought here: whoever sells has not set up payments.",
        "Ask whoever sells the credits to connect Stripe.",
    ),
    "link_expired": Code(
        410,
        "not_found_error",
        "The link of a recording was good for a limited time, which is over.",
        "Read the call again; it comes with a new link.",
    ),
    "body_too_large": Code(
        413,
        "invalid_request_error",
        "The body is larger than 2 MiB, or that of a form with a file than 501 MB.",
        "Send less at once; import a long list of leads as a file.",
    ),
    "range_not_satisfiable": Code(
        416,
        "invalid_request_error",
        "The `Range` lies outside of the recording.",
        "Ask for a range within the length that `Content-Range` names.",
    ),
    "unsupported_media_type": Code(
        415,
        "invalid_request_error",
        "The body is not JSON or, where a file is wanted, not a form of several parts.",
        "Send `Content-Type: application/json`, or `multipart/form-data` with a file.",
    ),
    "rate_limit_exceeded": Code(
        429,
        "rate_limit_error",
        "More requests than a key, or commands than a call, may have in a minute.",
        "Wait for the seconds of `Retry-After`.",
    ),
    "spending_limit": Code(
        429,
        "rate_limit_error",
        "More calls, or credits, than the organization may use in an hour or a day.",
        "Go on later, or ask for a higher limit.",
    ),
    "minutes_used_up": Code(
        429,
        "rate_limit_error",
        "The minutes that the agency allows the organization in a month are used.",
        "Wait for the next month, or ask the agency for more.",
    ),
    "too_many_calls": Code(
        429,
        "rate_limit_error",
        "Every line of the organization is in use.",
        "Wait for a call to end.",
    ),
    "internal_error": Code(
        500,
        "server_error",
        "Something broke on our side.",
        "Try again; with an `Idempotency-Key`, nothing happens twice.",
    ),
    "no_capacity": Code(
        503,
        "availability_error",
        "No voice process has a free place.",
        "Try again after the seconds of `Retry-After`.",
    ),
}


class InvalidRequest(Exception):
    """A request that cannot be followed; `param` is the path of the field at fault."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str = "invalid_request",
        details: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.param = param
        self.code = code
        self.details = tuple(details)


class Conflict(Exception):
    """A change that contradicts what is there; the message is the caller's.

    `param` is the field at fault, where it is one: taken, or of another state.
    """

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class LiveKeyNeeded(Exception):
    """A test key was used for what calls people or moves money."""


class VendorFailed(Exception):
    """A vendor's model or voice did not do its part; the message says why."""


class LinkExpired(Exception):
    """A signed link whose time is over."""


def error_body(
    code: str,
    message: str,
    param: str | None = None,
    *,
    details: Sequence[str] = (),
    retry_after_s: int | None = None,
) -> ErrorBody:
    """Return the body of an error; an unlisted code is a bug and raises."""
    body: ErrorBody = {
        "error": {
            "code": code,
            "message": message,
            "param": param,
            "type": CODES[code].type,
        },
        "message": message,
    }
    if details:
        body["details"] = list(details)
    if retry_after_s is not None:
        body["retry_after"] = retry_after_s
    return body


def error_response(
    code: str,
    message: str,
    *,
    param: str | None = None,
    details: Sequence[str] = (),
    retry_after_s: int | None = None,
) -> JsonResponse:
    """Return an error as the table of codes says; `retry_after_s` becomes a header too."""
    body = error_body(
        code, message, param, details=details, retry_after_s=retry_after_s
    )
    response = JsonResponse(body, status=CODES[code].status)
    if retry_after_s is not None:
        response["Retry-After"] = str(retry_after_s)
    return response


def invalid_request(
    errors: Sequence[Mapping[str, Any]], value: object
) -> InvalidRequest:
    """Return pydantic's errors about `value` as the refusal of its first wrong field."""
    faults = [_fault(error, value) for error in errors]
    code, message, param = faults[0]
    details = [f"{path}: {text}" if path else text for _code, text, path in faults]
    return InvalidRequest(message, param=param or None, code=code, details=details)


def _fault(error: Mapping[str, Any], value: object) -> tuple[str, str, str]:
    location = field_location(tuple(error["loc"]), value)
    if error["type"] == "union_tag_not_found":  # the field that says which body it is
        location = (*location, error["ctx"]["discriminator"].strip("'"))
    param = param_path(location)
    if error["type"] in ("missing", "union_tag_not_found"):
        return "missing_field", f"Missing required field: {param}", param
    if error["type"] == "extra_forbidden":
        return "invalid_request", f"Unknown field: {param}", param
    return "invalid_request", str(error["msg"]).removeprefix("Value error, "), param


def field_location(location: Location, value: object) -> Location:
    """Return where in `value` an error is, without the names of the variants tried.

    >>> field_location(("tools", 0, "function", "name"), {"tools": [{"type": "function"}]})
    ('tools', 0, 'name')
    """
    found: list[int | str] = []
    for depth, part in enumerate(location):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        elif depth + 1 < len(location):
            continue
        found.append(part)
    return tuple(found)


def param_path(location: Location) -> str:
    """Return a field's path as the API names it.

    >>> param_path(("llm_config", "tools", 2, "name"))
    'llm_config.tools[2].name'
    """
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path
