"""The clock tells nobody whether an address is known.

Who asks for a new password or a code gets the same page for every address. Making the
mail for one that is known takes tens of milliseconds more, which can be measured from
afar. So these answers leave only at whole steps of time.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponseBase]
EVEN: Final = frozenset(
    {
        "account_reset_password",
        "account_request_login_code",
        "account_confirm_login_code",
        "account_signup",
    }
)
sleep = time.sleep


def left_of_step(took_s: float, step_s: float) -> float:
    """Return how long an answer waits that took so long: until its step is over."""
    return math.ceil(took_s / step_s) * step_s - took_s if step_s else 0.0


class EvenTimeMiddleware:
    """Holds back answers of forms that know who is known, each on a thread of its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began_s = time.monotonic()
        response = self.get_response(request)
        match = request.resolver_match
        if request.method == "POST" and match is not None and match.view_name in EVEN:
            sleep(left_of_step(time.monotonic() - began_s, settings.EVEN_ANSWERS_S))
        return response
