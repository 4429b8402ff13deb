"""What people see instead of a page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import get_template
from django.utils.translation import get_language

from portal.brand import Brand
from portal.permissions import public


@public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form was open too long, or came from elsewhere."""
    return render(request, "errors/csrf.html", status=403)


@public
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The right is missing."""
    return render(request, "403.html", status=403)


@public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Absent, or not mine."""
    return render(request, "404.html", status=404)


@public
def server_error(request: HttpRequest) -> HttpResponse:
    """Something broke; this page asks neither the database nor the session.

    It wears the brand when the host was known by then.
    """
    portal = getattr(request, "portal", None)
    context = {
        "brand": Brand.of(portal) if portal else None,
        "language": get_language(),
    }
    return HttpResponse(get_template("500.html").render(context), status=500)
