"""The demo's mailbox: a mail server on this machine that takes everything in.

It sends nothing on, so that no demo ever writes to a stranger. What arrived is kept as
a file each, named as the mail's own id is, and read by the page of the mail. It knows
no Django: it starts in a moment and needs little.

    python -m config.mail_sink PORT FOLDER
"""

from __future__ import annotations

import asyncio
import email
import re
import sys
from email.policy import default
from pathlib import Path
from typing import Final
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT: Final = 500
_LARGEST_BYTES: Final = 10 * 1024 * 1024
_ID: Final = re.compile(r"<([0-9a-f-]{36})@")


class Mailbox:
    """Keeps the last `KEPT` mails of a folder; a second copy of one replaces the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=default)
        found = _ID.match(str(message.get("Message-ID", "")))
        name = found[1] if found else str(uuid4())
        fresh = self.folder / f"{name}.new"
        fresh.write_bytes(content)
        fresh.replace(self.folder / f"{name}.eml")
        self._forget_old()
        return "250 Taken in"

    def _forget_old(self) -> None:
        kept = sorted(self.folder.glob("*.eml"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-KEPT]:
            path.unlink(missing_ok=True)


async def serve(port: int, folder: Path) -> None:
    """Take mails on this machine's own address until the process ends."""
    mailbox = Mailbox(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(mailbox, hostname="localhost", data_size_limit=_LARGEST_BYTES),
        "127.0.0.1",
        port,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
