"""Real files, spoiled: each try is a seed, so that a failure can be made again."""

from __future__ import annotations

import os
import random

TRIES = int(os.environ.get("FUZZ_TRIES", "400"))


def spoiled(sample: bytes, seed: int) -> bytes:
    """Return `sample` cut, doubled, overwritten or with bits turned, in a few places."""
    chance = random.Random(seed)
    data = bytearray(sample)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        at = chance.randrange(len(data) or 1)
        match chance.randrange(6):
            case 0:
                del data[at:]
            case 1 if data:
                data[at] ^= 1 << chance.randrange(8)
            case 2:
                data[at : at + 4] = chance.choice(
                    (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"<![C")
                )
            case 3:
                data[at:at] = data[at : at + chance.randrange(1, 400)]
            case 4:
                data[at:at] = chance.randbytes(chance.randrange(1, 40))
            case _:
                del data[at : at + chance.randrange(1, 200)]
        data = data or bytearray(b"\0")
    return bytes(data)
