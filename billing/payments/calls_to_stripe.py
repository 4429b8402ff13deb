"""What Stripe's errors mean for a payment, decided once, at the boundary."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from billing.errors import PaymentDeclined, PaymentRefused, PaymentUnknown


@contextmanager
def asking_stripe() -> Iterator[None]:
    """Turn Stripe's errors into ours.

    No answer, a conflict with ourselves, too many requests and Stripe's own faults leave
    open what happened: the same request with the same key finds out.
    """
    try:
        yield
    except stripe.CardError as error:
        raise PaymentDeclined(
            error.user_message or "The card was declined.", error.code or ""
        ) from error
    except (
        stripe.APIConnectionError,
        stripe.RateLimitError,
    ) as error:
        raise PaymentUnknown("Stripe did not answer.") from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status >= 500 or status == 409:
            raise PaymentUnknown("Stripe did not answer.") from error
        raise PaymentRefused(error.user_message or str(error)) from error
