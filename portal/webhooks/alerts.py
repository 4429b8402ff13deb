"""Telling an organization that one of its endpoints does not answer."""

from __future__ import annotations

import logging

from portal.models import WebhookEndpoint

logger = logging.getLogger(__name__)


def tell_of_failing(endpoint: WebhookEndpoint) -> None:
    """An endpoint failed a few times in a row; it is tried less often now."""
    logger.warning("webhook endpoint fails", extra={"endpoint": str(endpoint.pk)})


def tell_of_disabling(endpoint: WebhookEndpoint) -> None:
    """An endpoint was switched off."""
    logger.warning(
        "webhook endpoint disabled",
        extra={"endpoint": str(endpoint.pk), "reason": endpoint.disabled_reason},
    )
