"""A server that speaks Resend's REST API: emails and domains, errors included."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Resend:
    """What was sent; `fail_with` answers every mail with a status and message."""

    url: str = ""
    key: str = "re_right"
    emails: list[dict[str, Any]] = field(default_factory=list)
    domains: dict[str, dict[str, Any]] = field(default_factory=dict)
    fail_with: tuple[int, str] | None = None

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        if parts == ["emails"] and method == "POST":
            if self.fail_with:
                return self.fail_with[0], {
                    "statusCode": self.fail_with[0],
                    "name": "validation_error",
                    "message": self.fail_with[1],
                }
            self.emails.append(body)
            return 200, {"id": f"mail-{len(self.emails)}"}
        if parts == ["domains"]:
            return (201, self.put(body["name"])) if body else (200, self.list())
        if parts[0] == "domains" and len(parts) > 1 and parts[1] in self.domains:
            domain = self.domains[parts[1]]
            if parts[2:] == ["verify"]:
                domain["status"] = "verified"
                for record in domain["records"]:
                    record["status"] = "verified"
                return 200, {"object": "domain", "id": domain["id"]}
            return 200, domain
        return 404, {
            "statusCode": 404,
            "name": "not_found",
            "message": "Domain not found",
        }

    def list(self) -> dict[str, Any]:
        brief = ("id", "name", "status", "region")
        rows = [{name: one[name] for name in brief} for one in self.domains.values()]
        return {"object": "list", "has_more": False, "data": rows}

    def put(self, name: str) -> dict[str, Any]:
        number = f"d-{len(self.domains) + 1}"
        self.domains[number] = {
            "object": "domain",
            "id": number,
            "name": name,
            "status": "not_started",
            "region": "eu-west-1",
            "records": [
                {
                    "record": "SPF",
                    "name": "send",
                    "type": "MX",
                    "ttl": "Auto",
                    "status": "not_started",
                    "value": "feedback-smtp.eu-west-1.amazonses.com",
                    "priority": 10,
                },
                {
                    "record": "DKIM",
                    "name": "resend._domainkey",
                    "type": "TXT",
                    "ttl": "Auto",
                    "status": "not_started",
                    "value": "p=MIGf",
                },
            ],
        }
        return self.domains[number]


@contextmanager
def resend_server() -> Iterator[Resend]:
    """Serve until the end of the block."""
    resend = Resend()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            if self.headers.get("Authorization") != f"Bearer {resend.key}":
                status, answer = (
                    401,
                    {"statusCode": 401, "message": "API key is invalid"},
                )
            else:
                body = json.loads(raw) if raw else None
                status, answer = resend.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    resend.url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        yield resend
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
