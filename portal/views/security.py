"""Where to report a weakness (RFC 9116)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from portal.http import PortalRequest
from portal.permissions import public

GOOD_FOR = timedelta(days=90)


@require_GET
@public
def security_txt(request: PortalRequest) -> HttpResponse:
    """Whom to write to: the portal's own address, else the operator's. Open to all."""
    address = request.portal.support_email if request.portal else ""
    contact = address or settings.SECURITY_CONTACT or settings.DEFAULT_FROM_EMAIL
    if "@" in contact and not contact.startswith(("mailto:", "https:")):
        contact = f"mailto:{contact}"
    here = request.build_absolute_uri(request.path)
    until = (timezone.now() + GOOD_FOR).replace(microsecond=0)
    lines = [
        f"Contact: {contact}",
        f"Expires: {until.isoformat()}",
        "Preferred-Languages: en, nl, de",
        f"Canonical: {here}",
    ]
    response = HttpResponse("\n".join([*lines, ""]), content_type="text/plain")
    response["Cache-Control"] = "public, max-age=86400"
    response["Vary"] = "Host"
    return response
