"""Public identifiers: opaque, unguessable enough, and in the order of their making.

UUID version 7 (RFC 9562, section 5.7) starts with 48 bits of Unix milliseconds, so a
primary key made from it fills an index from left to right.
"""

from __future__ import annotations

import os
import time
import uuid


def uuid7() -> uuid.UUID:
    """Return a new UUID version 7."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return uuid.UUID(int=value)
