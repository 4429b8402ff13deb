"""What fields and models are called in the console.

A field without a name of its own is called by Django after its Python name, in English.
Models stay as they are: only the console shows their fields by name.
"""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Field, Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

FIELDS: Final[dict[str, Any]] = {
    "action": _("action"),
    "actor": _("by whom"),
    "agency": _("agency"),
    "assistant": _("assistant"),
    "at": _("at"),
    "at_ms": _("after milliseconds"),
    "attempt_count": _("attempts"),
    "attempts": _("attempts"),
    "billed_seconds": _("seconds charged"),
    "campaign": _("campaign"),
    "carrier": _("carrier"),
    "certificate_ends_at": _("certificate ends"),
    "checked_at": _("checked"),
    "client": _("client"),
    "closed_at": _("closed"),
    "count": _("times"),
    "created_at": _("created"),
    "created_by": _("created by"),
    "deleted_at": _("deleted"),
    "direction": _("direction"),
    "dismissed_at": _("put aside"),
    "dismissed_by": _("put aside by"),
    "due_at": _("due"),
    "effective_at": _("in force from"),
    "ended_at": _("ended"),
    "ends_at": _("ends"),
    "entry": _("entry"),
    "error": _("error"),
    "expires_at": _("expires"),
    "fault_owner": _("whose fault"),
    "finished_at": _("finished"),
    "first_seen_at": _("first seen"),
    "free_minutes": _("free minutes"),
    "halt_detail": _("more about the stop"),
    "halt_reason": _("why it stopped"),
    "heartbeat_at": _("last sign of life"),
    "host": _("machine"),
    "id": _("ID"),
    "idempotency_key": _("idempotency key"),
    "is_active": _("active"),
    "is_draining": _("takes no new calls"),
    "is_enabled": _("switched on"),
    "is_staff": _("staff of the operator"),
    "is_test": _("test"),
    "is_withdrawn": _("withdrawn"),
    "kind": _("kind"),
    "language": _("language"),
    "last_attempt_at": _("last attempt"),
    "last_error": _("last error"),
    "last_outcome": _("last outcome"),
    "last_seen_at": _("last seen"),
    "last_used_at": _("last used"),
    "lease_until": _("held by its worker until"),
    "memo": _("memo"),
    "minimum_seconds": _("seconds at least"),
    "mode": _("mode"),
    "model_cost_percent": _("model costs in percent"),
    "name": _("name"),
    "node": _("process"),
    "number": _("number"),
    "organization": _("organization"),
    "outcome": _("outcome"),
    "parent": _("belongs to"),
    "pid": _("process number"),
    "portal": _("portal"),
    "prefix": _("begins with"),
    "priority": _("order"),
    "problem": _("problem"),
    "recipient": _("recipient"),
    "released_at": _("released"),
    "revoked_at": _("revoked"),
    "role": _("role"),
    "seconds": _("seconds"),
    "sent_at": _("sent"),
    "settled_at": _("settled"),
    "setup_ms": _("set-up in milliseconds"),
    "slug": _("short name"),
    "source": _("source"),
    "source_id": _("ID of the source"),
    "started_at": _("started"),
    "started_by": _("started by"),
    "state": _("condition"),
    "status": _("status"),
    "subject": _("subject"),
    "target": _("about what"),
    "target_id": _("ID of it"),
    "template": _("template"),
    "time_zone": _("time zone"),
    "updated_at": _("changed"),
    "user": _("person"),
    "verified_at": _("verified"),
    "visitor_name": _("visitor"),
    "worker_count": _("workers that had it"),
}
MODELS: Final[dict[str, Any]] = {
    "APIKey": _("API key"),
    "Account": _("account"),
    "Assistant": _("assistant"),
    "AssistantVersion": _("version of an assistant"),
    "Attempt": _("attempt"),
    "AuditRecord": _("audit record"),
    "Call": _("call"),
    "CallAlert": _("alert"),
    "Campaign": _("campaign"),
    "CreditLot": _("lot of credits"),
    "Hold": _("hold"),
    "Lead": _("lead"),
    "LedgerEntry": _("ledger entry"),
    "Membership": _("place in a team"),
    "Organization": _("organization"),
    "OutgoingMail": _("mail"),
    "PhoneNumber": _("telephone number"),
    "PlatformPrice": _("platform price"),
    "Portal": _("portal"),
    "PortalDomain": _("domain"),
    "Posting": _("posting"),
    "Price": _("price"),
    "User": _("person"),
    "Visit": _("visit"),
    "VoiceNode": _("voice process"),
}


def name_fields(model: type[Model]) -> None:
    """Give the fields of a model the names they are shown by; those that have one keep it.

    Migrations do not see it: they go by what a field was made with.
    """
    for field in model._meta.get_fields():
        if isinstance(field, Field) and not isinstance(field.verbose_name, Promise):
            field.verbose_name = FIELDS.get(field.name, field.verbose_name)


def name_of(model: type[Model]) -> str:
    """Return what one row of a model is called."""
    return str(MODELS.get(model.__name__, model._meta.verbose_name))
