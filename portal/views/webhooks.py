"""Webhook endpoints: making one, what it was sent, and sending that again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from portal.http import MemberRequest
from portal.models import WebhookDelivery, WebhookEndpoint
from portal.permissions import Permission, requires
from portal.sudo import sudo
from portal.webhook_forms import (
    AssistantEndpointForm,
    DeliveryFilterForm,
    EndpointForm,
    TestEventForm,
)
from portal.webhooks import endpoints, kinds, replaying
from portal.webhooks.endpoints import TooManyEndpoints
from portal.webhooks.queries import (
    filter_deliveries,
    get_delivery,
    get_endpoint,
    visible_deliveries,
    visible_endpoints,
)
from portal.webhooks.region import HostNotDeclared

PAGE_SIZE = 25


@require_GET
@requires(Permission.WEBHOOKS_EDIT)
def webhook_list(request: MemberRequest) -> HttpResponse:
    """Every endpoint of the organization and of its assistants."""
    return render(
        request, "portal/webhook_list.html", {"endpoints": list(visible_endpoints())}
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.WEBHOOKS_EDIT)
@sudo
def webhook_new(request: MemberRequest) -> HttpResponse:
    """Make an endpoint; its secret is shown on this answer only."""
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = endpoints.create_endpoint(
                organization=request.organization,
                actor=request.user,
                **form.cleaned_data,
            )
        except TooManyEndpoints as error:
            form.add_error(None, str(error))
        except HostNotDeclared as error:
            form.add_error("url", str(error))
        else:
            return _secret_page(request, endpoint, secret)
    return render(
        request,
        "portal/webhook_form.html",
        {"form": form},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.WEBHOOKS_EDIT)
@sudo
def webhook_edit(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Change what is sent where."""
    endpoint = get_endpoint(endpoint_id)
    form_class = AssistantEndpointForm if endpoint.assistant_id else EndpointForm
    form = form_class(
        request.POST if request.method == "POST" else None,
        initial={
            "url": endpoint.url,
            "description": endpoint.description,
            "events": list(kinds.CHOICES)
            if "*" in endpoint.events
            else endpoint.events,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            endpoints.change_endpoint(
                endpoint=endpoint, changes=form.cleaned_data, actor=request.user
            )
        except HostNotDeclared as error:
            form.add_error("url", str(error))
        else:
            messages.success(request, _("The endpoint was saved."))
            return redirect("webhook_detail", endpoint.pk)
    return render(
        request,
        "portal/webhook_form.html",
        {"form": form, "endpoint": endpoint},
        status=422 if form.errors else 200,
    )


@require_GET
@requires(Permission.WEBHOOKS_EDIT)
def webhook_detail(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """One endpoint: is it well, and what was it sent."""
    endpoint = get_endpoint(endpoint_id)
    form = DeliveryFilterForm(request.GET or None)
    chosen = form.chosen(request.organization.time_zone) if form.is_bound else {}
    rows = filter_deliveries(visible_deliveries(), endpoint_id=endpoint.pk, **chosen)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    template = "portal/webhook_detail.html"
    if request.htmx and not request.htmx.boosted:
        template += "#rows"
    return render(
        request,
        template,
        {
            "endpoint": endpoint,
            "facts": _facts(endpoint),
            "form": form,
            "is_filtered": bool(chosen),
            "page": page,
            "test_form": TestEventForm(),
        },
    )


def _facts(endpoint: WebhookEndpoint) -> list[dict[str, Any]]:
    return [
        {"label": _("Address"), "value": endpoint.url, "mono": True},
        {"label": _("Events"), "value": ", ".join(endpoint.events)},
        {"label": _("Secret ends in"), "value": endpoint.secret_hint, "mono": True},
        {"label": _("Last success"), "value": _shown(endpoint.last_success_at)},
        {"label": _("Last failure"), "value": _shown(endpoint.last_failure_at)},
    ]


def _shown(moment: Any) -> str:
    if moment is None:
        return ""
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
@sudo
def webhook_rotate(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Replace the secret; the new one is shown on this answer only."""
    endpoint = get_endpoint(endpoint_id)
    secret = endpoints.rotate_secret(endpoint=endpoint, actor=request.user)
    return _secret_page(request, endpoint, secret, is_rotated=True)


def _secret_page(
    request: MemberRequest,
    endpoint: WebhookEndpoint,
    secret: str,
    *,
    is_rotated: bool = False,
) -> HttpResponse:
    response = render(
        request,
        "portal/webhook_secret.html",
        {"endpoint": endpoint, "secret": secret, "is_rotated": is_rotated},
    )
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
def webhook_enable(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Send to an endpoint again."""
    endpoint = get_endpoint(endpoint_id)
    endpoints.enable_endpoint(endpoint=endpoint, actor=request.user)
    messages.success(request, _("New events are sent from now on."))
    return redirect("webhook_detail", endpoint.pk)


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
def webhook_disable(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Send nothing more to an endpoint."""
    endpoint = get_endpoint(endpoint_id)
    endpoints.disable_endpoint(
        endpoint=endpoint, reason=WebhookEndpoint.Reason.BY_HAND, actor=request.user
    )
    messages.success(request, _("Nothing is sent there any more."))
    return redirect("webhook_detail", endpoint.pk)


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
def webhook_delete(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Forget an endpoint and what it was sent; an assistant's own goes with its setting."""
    endpoint = get_endpoint(endpoint_id)
    if endpoint.assistant_id:
        raise Http404("It belongs to an assistant's settings.")
    endpoints.delete_endpoint(endpoint=endpoint, actor=request.user)
    messages.success(request, _("The endpoint was removed."))
    return redirect("webhook_list")


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
def webhook_test(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Send an invented event now and show how it went."""
    endpoint = get_endpoint(endpoint_id)
    form = TestEventForm(request.POST)
    if not form.is_valid():
        raise Http404("No such event.")
    delivery = replaying.send_test(endpoint=endpoint, kind=form.cleaned_data["kind"])
    if delivery.status == WebhookDelivery.Status.DELIVERED:
        messages.success(request, _("The endpoint took the test event."))
    else:
        messages.error(
            request,
            _("The endpoint did not take the test event: %(error)s")
            % {"error": delivery.error},
        )
    return redirect("webhook_delivery", delivery.pk)


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
def webhook_replay(request: MemberRequest, endpoint_id: UUID) -> HttpResponse:
    """Send again what the filter of the log shows."""
    endpoint = get_endpoint(endpoint_id)
    form = DeliveryFilterForm(request.POST)
    count = replaying.replay(
        deliveries=filter_deliveries(
            replaying.replayable(),
            endpoint_id=endpoint.pk,
            **form.chosen(request.organization.time_zone),
        ),
        actor=request.user,
    )
    _say_replayed(request, count)
    return redirect("webhook_detail", endpoint.pk)


@require_GET
@requires(Permission.WEBHOOKS_EDIT)
def webhook_delivery(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    """One delivery: what was sent, and what came back each time."""
    delivery = get_delivery(delivery_id)
    body = json.dumps(json.loads(delivery.event.body), indent=2, ensure_ascii=False)
    return render(
        request,
        "portal/webhook_delivery.html",
        {
            "delivery": delivery,
            "body": body,
            "tries": list(delivery.tries.all())[::-1],
            "may_replay": delivery.endpoint.is_enabled
            and delivery.kind not in kinds.ANSWERED,
            "facts": [
                {"label": _("Event"), "value": delivery.kind},
                {"label": _("Status"), "status": delivery.status},
                {"label": _("Recorded"), "value": _shown(delivery.created_at)},
                {"label": _("Tries"), "value": delivery.attempts},
                {
                    "label": _("Next try"),
                    "value": "" if delivery.finished_at else _shown(delivery.next_at),
                },
                {"label": _("Message"), "value": delivery.event_id, "mono": True},
                {
                    "label": _("Call"),
                    "value": delivery.call_id,
                    "url": reverse("call_detail", args=[delivery.call_id])
                    if delivery.call_id
                    else "",
                },
            ],
        },
    )


@require_POST
@requires(Permission.WEBHOOKS_EDIT)
def webhook_delivery_replay(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    """Send one delivery again."""
    delivery = get_delivery(delivery_id)
    count = replaying.replay(
        deliveries=replaying.replayable().filter(pk=delivery.pk), actor=request.user
    )
    _say_replayed(request, count)
    return redirect("webhook_detail", delivery.endpoint_id)


def _say_replayed(request: MemberRequest, count: int) -> None:
    if not count:
        messages.warning(request, _("There is nothing here that can be sent again."))
        return
    messages.success(
        request,
        ngettext("One event is sent again.", "%(count)d events are sent again.", count)
        % {"count": count},
    )
