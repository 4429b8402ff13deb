"""A server that speaks Stripe's API for the objects we use, over real HTTP.

Requests come as Stripe's SDK sends them (form-encoded, `Idempotency-Key`,
`Stripe-Version`, `Stripe-Account`), answers have the shapes of that version. Keys are
honoured as Stripe does: the same request is answered with the first answer, another one
under the same key is refused, a concurrent one gets 409. `fail` injects faults, before
or after the request took effect. What a person does on Stripe's own pages is a method:
`pay`, `leave`, `refund`, `dispute`. Each writes the events Stripe would send; `deliver`
signs them.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import stripe

GOOD_CARD: Final = "pm_card_visa"
DECLINED_CARD: Final = "pm_card_chargeDeclined"
FEE_CENTS: Final = 25


@dataclass
class Fault:
    """What goes wrong with a request whose path matches.

    `after` is whether it took effect first; status 0 closes the connection.
    """

    path: str
    status: int = 0
    after: bool = False
    times: int = 1


@dataclass
class Seen:
    method: str
    path: str
    params: dict[str, Any]
    version: str
    key: str
    account: str
    idempotency_key: str


@dataclass
class StripeServer:
    """One Stripe, with the objects of every account in it."""

    currency_fee: int = FEE_CENTS
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    refused_keys: set[str] = field(default_factory=set)
    # A new key of an account, by the key that the account is known by here.
    rolled: dict[str, str] = field(default_factory=dict)
    without_address: set[str] = field(default_factory=set)
    _answers: dict[tuple[str, str], tuple[str, int, Any]] = field(default_factory=dict)
    _busy: set[tuple[str, str]] = field(default_factory=set)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _server: ThreadingHTTPServer | None = None

    # --- running ----------------------------------------------------------------------
    def __enter__(self) -> StripeServer:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65_536  # head and body in one packet

            def do_GET(self) -> None:
                fake._serve(self)

            do_POST = do_DELETE = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}"

    # --- what people do at Stripe -----------------------------------------------------
    def fail(
        self, path: str, status: int = 0, *, after: bool = False, times: int = 1
    ) -> None:
        """Make the next requests whose path matches fail."""
        self.faults.append(Fault(path, status, after, times))

    def asked(self, path: str) -> list[Seen]:
        """Return the requests made to create something at this path."""
        with self._lock:
            return [r for r in self.requests if (r.method, r.path) == ("POST", path)]

    def pay(self, session_id: str, card: str = GOOD_CARD) -> dict[str, Any]:
        """Pay on Stripe's page; a declined card leaves the page open."""
        with self._lock:
            session = self.objects[session_id]
            if session["payment_intent"] is None:
                intent = self._new_intent(
                    session["_account"],
                    amount=session["amount_total"],
                    currency=session["currency"],
                    customer=session["customer"],
                    metadata=session["_intent_metadata"],
                )
                session["payment_intent"] = intent["id"]
            intent = self.objects[session["payment_intent"]]
            self._charge(intent, card)
            if intent["status"] == "succeeded":
                session |= {"status": "complete", "payment_status": "paid"}
                session["invoice"] = self._invoice(session)
                self._emit("checkout.session.completed", session)
            return intent

    def leave(self, session_id: str) -> None:
        """Let a session's day pass."""
        with self._lock:
            session = self.objects[session_id]
            session["status"] = "expired"
            self._emit("checkout.session.expired", session)

    def refund(self, intent_id: str, cents: int, status: str = "succeeded") -> str:
        with self._lock:
            intent = self.objects[intent_id]
            charge = self.objects[intent["latest_charge"]]
            refund = self._add(
                "re",
                charge["_account"],
                object="refund",
                amount=cents,
                currency=charge["currency"],
                charge=charge["id"],
                payment_intent=intent_id,
                status=status,
                metadata={},
            )
            refund["balance_transaction"] = self._transaction(
                charge["_account"], -cents, 0, "refund", refund["id"]
            )
            charge["amount_refunded"] += cents
            charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
            self._emit("refund.created", refund)
            self._emit("charge.refunded", charge)
            return str(refund["id"])

    def fail_refund(self, refund_id: str) -> None:
        """Let the bank send a refund back."""
        with self._lock:
            refund = self.objects[refund_id]
            refund["status"] = "failed"
            self._emit("refund.failed", refund)

    def dispute(self, intent_id: str, cents: int, fee: int = 1500) -> str:
        with self._lock:
            intent = self.objects[intent_id]
            charge = self.objects[intent["latest_charge"]]
            charge["disputed"] = True
            dispute = self._add(
                "dp",
                charge["_account"],
                object="dispute",
                amount=cents,
                currency=charge["currency"],
                charge=charge["id"],
                payment_intent=intent_id,
                status="needs_response",
                balance_transactions=[],
                metadata={},
            )
            self._move(dispute, -cents, fee)
            self._emit("charge.dispute.created", dispute)
            self._emit("charge.dispute.funds_withdrawn", dispute)
            return str(dispute["id"])

    def win(self, dispute_id: str) -> None:
        with self._lock:
            dispute = self.objects[dispute_id]
            dispute["status"] = "won"
            self._move(dispute, dispute["amount"], -1500)
            self._emit("charge.dispute.funds_reinstated", dispute)
            self._emit("charge.dispute.closed", dispute)

    def _move(self, dispute: dict[str, Any], cents: int, fee: int) -> None:
        moved = self._transaction(
            dispute["_account"], cents, fee, "adjustment", dispute["id"]
        )
        dispute["balance_transactions"].append(self.objects[moved])

    def deliver(self, event: dict[str, Any], secret: str) -> tuple[bytes, str]:
        """Return an event's body and its signature, as Stripe would post them."""
        body = json.dumps(event)
        signed = stripe.WebhookSignature.generate_signature_header(body, secret)
        return body.encode(), signed

    # --- objects ----------------------------------------------------------------------
    def _add(self, prefix: str, account: str, **values: Any) -> dict[str, Any]:
        self._counts[prefix] += 1
        thing = {
            "id": f"{prefix}_{self._counts[prefix]:014d}",
            "created": int(time.time()),
            "livemode": False,
            "_account": account,
            **values,
        }
        self.objects[thing["id"]] = thing
        return thing

    def _emit(self, kind: str, thing: dict[str, Any]) -> None:
        event = {
            "id": f"evt_{len(self.events) + 1:014d}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "type": kind,
            "livemode": False,
            "pending_webhooks": 1,
            "data": {"object": _shown(thing)},
        }
        if thing["_account"].startswith("acct_"):
            event["account"] = thing["_account"]
        self.events.append(json.loads(json.dumps(event)))

    def _transaction(
        self, account: str, cents: int, fee: int, kind: str, source: str
    ) -> str:
        made = self._add(
            "txn",
            account,
            object="balance_transaction",
            amount=cents,
            fee=fee,
            net=cents - fee,
            currency="eur",
            type=kind,
            source=source,
        )
        return str(made["id"])

    def _new_intent(self, account: str, **values: Any) -> dict[str, Any]:
        return self._add(
            "pi",
            account,
            object="payment_intent",
            status="requires_payment_method",
            amount_received=0,
            latest_charge=None,
            payment_method=None,
            last_payment_error=None,
            **values,
        )

    def _charge(self, intent: dict[str, Any], card: str) -> None:
        is_good = card != DECLINED_CARD
        charge = self._add(
            "ch",
            intent["_account"],
            object="charge",
            amount=intent["amount"],
            amount_refunded=0,
            refunded=False,
            disputed=False,
            currency=intent["currency"],
            customer=intent["customer"],
            payment_intent=intent["id"],
            status="succeeded" if is_good else "failed",
            balance_transaction=None,
            metadata=intent["metadata"],
            payment_method_details={
                "type": "card",
                "card": {
                    "brand": "visa",
                    "last4": "4242" if is_good else "0002",
                    "exp_month": 8,
                    "exp_year": 2031,
                },
            },
        )
        intent["latest_charge"] = charge["id"]
        if is_good:
            charge["balance_transaction"] = self._transaction(
                intent["_account"],
                intent["amount"],
                self.currency_fee,
                "charge",
                charge["id"],
            )
            intent |= {
                "status": "succeeded",
                "amount_received": intent["amount"],
                "payment_method": card,
                "last_payment_error": None,
            }
            self._emit("payment_intent.succeeded", intent)
            self._emit("charge.succeeded", charge)
        else:
            intent["last_payment_error"] = {
                "type": "card_error",
                "code": "card_declined",
                "decline_code": "insufficient_funds",
                "message": "Your card has insufficient funds.",
            }
            self._emit("payment_intent.payment_failed", intent)

    def _invoice(self, session: dict[str, Any]) -> str:
        made = self._add("in", session["_account"], object="invoice")
        made["hosted_invoice_url"] = f"https://invoice.stripe.example/{made['id']}"
        return str(made["id"])

    # --- the wire ---------------------------------------------------------------------
    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length).decode()
        parts = urlsplit(handler.path)
        params = _nested(parse_qsl(parts.query) + parse_qsl(body))
        key = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        seen = Seen(
            handler.command,
            parts.path,
            params,
            handler.headers.get("Stripe-Version", ""),
            key,
            handler.headers.get("Stripe-Account", ""),
            handler.headers.get("Idempotency-Key", ""),
        )
        with self._lock:
            self.requests.append(seen)
            fault = next((f for f in self.faults if re.search(f.path, seen.path)), None)
            if fault is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
        if fault is not None and not fault.after:
            self._break(handler, fault)
            return
        status, answer = self._answer(seen)
        if fault is not None:
            self._break(handler, fault)
            return
        _write(handler, status, answer)

    def _break(self, handler: BaseHTTPRequestHandler, fault: Fault) -> None:
        if fault.status == 0:
            handler.close_connection = True
            handler.connection.close()
            return
        kind = "rate_limit_error" if fault.status == 429 else "api_error"
        error = {"type": kind, "message": "Scripted failure."}
        _write(handler, fault.status, {"error": error})

    def _answer(self, seen: Seen) -> tuple[int, Any]:
        """Answer as Stripe does: once for an idempotency key."""
        if not seen.key.startswith(("sk_", "rk_")) or seen.key in self.refused_keys:
            return _error(401, "invalid_request_error", "Invalid API Key provided.")
        account = seen.account or self.rolled.get(seen.key, seen.key)
        place = (account, seen.idempotency_key)
        request = json.dumps([seen.method, seen.path, seen.params], sort_keys=True)
        is_keyed = seen.method == "POST" and bool(seen.idempotency_key)
        with self._lock:
            if is_keyed and place in self._answers:
                before, status, answer = self._answers[place]
                if before != request:
                    return _error(
                        400,
                        "idempotency_error",
                        "Keys for idempotent requests can only be used with the same "
                        "parameters they were first used with.",
                    )
                return status, answer
            if is_keyed and place in self._busy:
                return _error(409, "idempotency_error", "Another request is running.")
            self._busy.add(place)
        try:
            with self._lock:
                status, answer = self._route(seen, account)
                answer = json.loads(json.dumps(answer))
                if is_keyed and status < 500:
                    self._answers[place] = (request, status, answer)
        finally:
            with self._lock:
                self._busy.discard(place)
        return status, answer

    def _route(self, seen: Seen, account: str) -> tuple[int, Any]:
        for method, pattern, name in _ROUTES:
            found = re.fullmatch(pattern, seen.path)
            if found and seen.method == method:
                done: tuple[int, Any] = getattr(self, name)(
                    seen.params, account, *found.groups()
                )
                return done
        return _error(404, "invalid_request_error", f"Unrecognized URL {seen.path}")

    # --- operations -------------------------------------------------------------------
    def _one(
        self, params: dict[str, Any], account: str, thing_id: str
    ) -> tuple[int, Any]:
        thing = self.objects.get(thing_id)
        if thing is None or (
            thing["_account"] != account and thing.get("object") != "account"
        ):
            return _error(404, "invalid_request_error", f"No such object: {thing_id}")
        return 200, self._expanded(thing, params)

    def _expanded(
        self, thing: dict[str, Any], params: dict[str, Any]
    ) -> dict[str, Any]:
        shown = _shown(thing)
        for path in (params.get("expand") or {}).values():
            here = shown
            for name in path.split("."):
                inner = here.get(name)
                if isinstance(inner, str) and inner in self.objects:
                    here[name] = _shown(self.objects[inner])
                here = here[name] if isinstance(here.get(name), dict) else {}
        return shown

    def _list(self, kind: str, account: str, params: dict[str, Any]) -> tuple[int, Any]:
        wanted = params.get("payment_intent")
        found = [
            _shown(thing)
            for thing in reversed(self.objects.values())
            if thing.get("object") == kind
            and thing["_account"] == account
            and (wanted is None or thing.get("payment_intent") == wanted)
        ]
        after = params.get("starting_after")
        if after:
            ids = [thing["id"] for thing in found]
            found = found[ids.index(after) + 1 :]
        limit = int(params.get("limit", 10))
        return 200, {
            "object": "list",
            "data": found[:limit],
            "has_more": len(found) > limit,
            "url": f"/v1/{kind}s",
        }

    def _make_customer(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        made = self._add(
            "cus",
            account,
            object="customer",
            name=params.get("name"),
            metadata=params.get("metadata", {}),
        )
        return 200, _shown(made)

    def _make_session(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        lines = list(params["line_items"].values())
        total = sum(int(line["price_data"]["unit_amount"]) for line in lines)
        is_taxed = bool(params.get("automatic_tax"))
        tax = total * 21 // 100 if is_taxed else 0
        made = self._add(
            "cs",
            account,
            object="checkout.session",
            mode=params["mode"],
            status="open",
            payment_status="unpaid",
            amount_subtotal=total,
            amount_total=total + tax,
            total_details={"amount_tax": tax, "amount_discount": 0},
            currency=lines[0]["price_data"]["currency"],
            automatic_tax={"enabled": is_taxed},
            customer=params["customer"],
            client_reference_id=params.get("client_reference_id"),
            metadata=params.get("metadata", {}),
            payment_intent=None,
            invoice=None,
            success_url=params["success_url"],
            _intent_metadata=params["payment_intent_data"]["metadata"],
        )
        made["url"] = f"https://checkout.stripe.example/{made['id']}"
        return 200, _shown(made)

    def _calculate_tax(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        if params["customer"] in self.without_address:
            return _error(
                400,
                "invalid_request_error",
                "The customer's address is missing, so its tax cannot be known.",
            )
        net = sum(int(line["amount"]) for line in params["line_items"].values())
        made = self._add(
            "taxcalc",
            account,
            object="tax.calculation",
            currency=params["currency"],
            customer=params["customer"],
            amount_total=net + net * 21 // 100,
            tax_amount_exclusive=net * 21 // 100,
            tax_amount_inclusive=0,
        )
        return 200, _shown(made)

    def _make_intent(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        intent = self._new_intent(
            account,
            amount=int(params["amount"]),
            currency=params["currency"],
            customer=params["customer"],
            metadata=params.get("metadata", {}),
        )
        self._charge(intent, params["payment_method"])
        if intent["status"] != "succeeded":
            error = {**intent["last_payment_error"], "payment_intent": _shown(intent)}
            return 402, {"error": error}
        return 200, _shown(intent)

    def _list_sessions(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        return self._list("checkout.session", account, params)

    def _list_intents(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        return self._list("payment_intent", account, params)

    def _list_refunds(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        return self._list("refund", account, params)

    def _list_disputes(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        return self._list("dispute", account, params)

    def _list_transactions(
        self, params: dict[str, Any], account: str
    ) -> tuple[int, Any]:
        return self._list("balance_transaction", account, params)

    def _make_endpoint(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        made = self._add(
            "we",
            account,
            object="webhook_endpoint",
            url=params["url"],
            api_version=params["api_version"],
            secret=f"whsec_{account}",
        )
        return 200, _shown(made)

    def _make_portal(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        made = self._add("bps", account, object="billing_portal.session")
        made["url"] = f"https://billing.stripe.example/{made['id']}"
        return 200, _shown(made)

    def _this_account(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        if account.startswith("rk_blind"):
            return _error(403, "invalid_request_error", "No permission.")
        return 200, {
            "id": f"acct_{account[-6:]}",
            "object": "account",
            "business_profile": {"name": "Acme BV"},
            "charges_enabled": True,
        }

    def _make_account(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        made = self._add(
            "acct", account, object="account", charges_enabled=False, type="standard"
        )
        return 200, _shown(made)

    def _make_link(self, params: dict[str, Any], account: str) -> tuple[int, Any]:
        return 200, {
            "object": "account_link",
            "url": f"https://connect.stripe.example/{params['account']}",
        }


_ID = r"([A-Za-z0-9_]+)"
_ROUTES: Final = (
    ("POST", "/v1/customers", "_make_customer"),
    ("GET", "/v1/checkout/sessions", "_list_sessions"),
    ("POST", "/v1/checkout/sessions", "_make_session"),
    ("GET", f"/v1/checkout/sessions/{_ID}", "_one"),
    ("GET", "/v1/payment_intents", "_list_intents"),
    ("POST", "/v1/payment_intents", "_make_intent"),
    ("POST", "/v1/tax/calculations", "_calculate_tax"),
    ("GET", f"/v1/payment_intents/{_ID}", "_one"),
    ("GET", "/v1/refunds", "_list_refunds"),
    ("GET", "/v1/disputes", "_list_disputes"),
    ("GET", "/v1/balance_transactions", "_list_transactions"),
    ("GET", f"/v1/balance_transactions/{_ID}", "_one"),
    ("POST", "/v1/webhook_endpoints", "_make_endpoint"),
    ("POST", "/v1/billing_portal/sessions", "_make_portal"),
    ("GET", "/v1/account", "_this_account"),
    ("POST", "/v1/accounts", "_make_account"),
    ("GET", f"/v1/accounts/{_ID}", "_one"),
    ("POST", "/v1/account_links", "_make_link"),
)


def _shown(thing: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {k: v for k, v in thing.items() if not k.startswith("_")}
    if "balance_transactions" in found:
        found["balance_transactions"] = [
            _shown(one) for one in found["balance_transactions"]
        ]
    return found


def _error(status: int, kind: str, message: str) -> tuple[int, Any]:
    return status, {"error": {"type": kind, "message": message}}


def _write(handler: BaseHTTPRequestHandler, status: int, answer: Any) -> None:
    body = json.dumps(answer).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("Request-Id", "req_test")
    if status in (409, 429):
        handler.send_header("Retry-After", "0")
    handler.end_headers()
    handler.wfile.write(body)


def _nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Read Stripe's form encoding: `a[b][0]=c` becomes {"a": {"b": {"0": "c"}}}."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        path = re.findall(r"[^\[\]]+", name)
        here = found
        for part in path[:-1]:
            here = here.setdefault(part, {})
        here[path[-1]] = value
    return found
