"""The limit of a telephone call: each packet of RTP goes back as it came, no more.

Listens on as many ports as it is told, and prints the first of them.

    python -m bench.bots.relay COUNT
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

FIRST_PORT = 27_500


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._transport.sendto(data, addr)


async def main(count: int) -> None:
    loop = asyncio.get_running_loop()
    for number in range(count):
        await loop.create_datagram_endpoint(
            Echo, local_addr=("127.0.0.1", FIRST_PORT + number)
        )
    print(FIRST_PORT, flush=True)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
