"""Where Stripe tells of payments."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.payments.events import BadSignature, receive_event
from billing.tasks import handle_stripe_event
from portal.http import PortalRequest
from portal.permissions import public


@csrf_exempt
@require_POST
@public
def stripe_webhook(request: PortalRequest) -> HttpResponse:
    """Public: the signature is the right. Keep the event, wake the worker, answer."""
    try:
        event = receive_event(
            portal=request.portal,
            body=request.body,
            signature=request.headers.get("Stripe-Signature", ""),
        )
    except (BadSignature, ValueError):
        return HttpResponse(status=400)
    if event is not None:
        pk = str(event.pk)
        # A lost message costs half a minute: the sweeper finds the row.
        transaction.on_commit(lambda: handle_stripe_event.delay(pk), robust=True)
    return HttpResponse(status=200)
