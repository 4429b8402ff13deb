"""A server that speaks what Google, GitHub and Microsoft speak when somebody signs in.

OAuth 2 with a code: the browser is sent to `/authorize` and comes back with a code,
which the portal exchanges behind the scenes. Google answers with an ID token beside the
access token, the others are asked for the profile. A code works once, for the client
and address it was given for, and where PKCE was begun it must be finished.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass
class Provider:
    """Who is at the keyboard of the provider's page, and what was asked of it."""

    url: str = ""
    client_id: str = "app-1"
    secret: str = "app-secret"
    email: str = "somebody@example.org"
    is_verified: bool = True
    subject: str = "10769150350006150715113082367"
    says_no: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    exchanges: list[dict[str, str]] = field(default_factory=list)
    key: Any = field(
        default_factory=lambda: rsa.generate_private_key(
            public_exponent=65537, key_size=2048
        )
    )

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent back to."""
        back = query["redirect_uri"]
        if query.get("client_id") != self.client_id:
            return f"{back}?{urlencode({'error': 'unauthorized_client'})}"
        if self.says_no:
            answer = {"error": "access_denied", "state": query.get("state", "")}
            return f"{back}?{urlencode(answer)}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{back}?{urlencode({'code': code, 'state': query.get('state', '')})}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Turn a code into tokens."""
        self.exchanges.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        if (
            asked is None
            or form.get("client_id") != self.client_id
            or form.get("client_secret") != self.secret
            or form.get("redirect_uri") != asked["redirect_uri"]
            or not self._finishes(asked, form)
        ):
            return 400, {"error": "invalid_grant"}
        token = secrets.token_urlsafe(16)
        self.tokens.add(token)
        return 200, {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 3599,
            "scope": asked.get("scope", ""),
            "id_token": self._id_token(),
        }

    def _finishes(self, asked: dict[str, str], form: dict[str, str]) -> bool:
        challenge = asked.get("code_challenge")
        if not challenge:
            return True
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        return challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://accounts.google.com",
            "aud": self.client_id,
            "sub": self.subject,
            "email": self.email,
            "email_verified": self.is_verified,
            "name": "Some Body",
            "iat": now,
            "exp": now + 3600,
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "1"})

    def profile(self, path: str, token: str) -> tuple[int, Any]:
        """Answer what the owner of a token is asked for."""
        if token not in self.tokens:
            return 401, {"message": "Bad credentials"}
        if path.endswith("/user/emails"):
            return 200, [
                {
                    "email": self.email,
                    "verified": self.is_verified,
                    "primary": True,
                    "visibility": None,
                }
            ]
        if path.endswith("/user"):
            return 200, {"id": 583231, "login": "somebody", "email": None}
        return 200, {
            "id": "48d31887-5fad-4d73-a9f5-3c356e68a038",
            "displayName": "Some Body",
            "mail": self.email,
            "userPrincipalName": self.email,
        }


@contextmanager
def serving_sign_in() -> Iterator[Provider]:
    """Serve until the test is over."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            pass

        def _answer(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.endswith("/authorize"):
                query = {key: value[0] for key, value in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            token = self.headers.get("Authorization", "").rpartition(" ")[2]
            self._answer(*provider.profile(parts.path, token))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = parse_qs(self.rfile.read(length).decode())
            self._answer(
                *provider.exchange({key: value[0] for key, value in form.items()})
            )

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
