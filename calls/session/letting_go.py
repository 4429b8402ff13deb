"""Letting go of all that a session holds, in the order that a caller notices least."""

from __future__ import annotations

from dataclasses import dataclass

from calls.media.link import MediaLink
from calls.session.events import Usage
from calls.session.patience import Patience
from calls.session.pipeline import Pipeline
from calls.session.ports import Vendors
from calls.session.release import in_time
from calls.session.tools import Toolbox


@dataclass
class Parts:
    """What a session holds while it runs."""

    link: MediaLink
    toolbox: Toolbox | None
    pipeline: Pipeline | None
    vendors: Vendors


async def let_go(parts: Parts, patience: Patience) -> Usage:
    """Close everything, hanging up first; return what the vendors will bill."""
    await in_time("link", parts.link.aclose(), patience.close_s)
    usage = Usage()
    if parts.toolbox is not None:
        await in_time("tools", parts.toolbox.aclose(), 2 * patience.close_s)
    if parts.pipeline is not None:
        await in_time("pipeline", parts.pipeline.aclose(), patience.close_s)
        usage = parts.pipeline.usage
    for vendor in (parts.vendors.stt, parts.vendors.llm, parts.vendors.tts):
        if vendor is not None:
            await in_time("vendor", vendor.aclose(), patience.close_s)
    return usage
