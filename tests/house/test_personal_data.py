"""Every column that can hold words says whose they are, and those of callers go.

A new column fails here until somebody has decided which of these it is.
"""

from __future__ import annotations

from typing import Final

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

_WORDED = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.GenericIPAddressField,
    models.FileField,
    ArrayField,
)

# What was said or found out in a call. Goes first.
CONTENT: Final = {
    "calls.Call": {"summary", "recording", "waveform"},
    "calls.Turn": {"text"},
    "calls.CallEvent": {"data", "content_json"},
    "calls.CallAnalysis": {
        *("summary", "data_json", "success_reason", "note", "transcript_note"),
    },
    "calls.Transfer": {"brief"},
    "portal.WebhookEvent": {"body"},
    "portal.WebhookAttempt": {"response_body", "error"},
    "portal.WebhookDelivery": {"error"},
    "portal.OutgoingMail": {"text", "html"},
}
# Who took part in a call, and what was known of them. Goes with it or later.
METADATA: Final = {
    "calls.Call": {
        *("caller_number", "callee_number", "variables", "overrides", "metadata"),
        "error",
    },
    "calls.Transfer": {"destination", "detail"},
    "calls.CallAlert": {"subject"},
    "portal.OutgoingMail": {"subject"},
    "campaigns.Attempt": {"phone_number", "decided"},
}
# Whom a customer calls. Goes some time after the campaign, and when the person asks.
PEOPLE: Final = {
    "campaigns.Lead": {"phone_number", "name", "variables", "consent_proof"},
    "campaigns.Decision": {"checks"},
    "campaigns.ImportFault": {"value"},
}
# Kept by a customer to be called again. Goes when they delete it or the person asks.
LISTS: Final = {
    "campaigns.SavedPerson": {"phone_number", "name", "variables", "consent_proof"},
}
# Of a caller, and kept on purpose.
STAYS: Final = {
    # Whom nobody may call: forgetting it would have them called again (GDPR 17(3)).
    "campaigns.SuppressionEntry": {"phone_number", "reason"},
    # Proof of a consent: the question, and "1" or the word that answered it.
    "calls.RecordingConsent": {"question", "language", "heard", "digest"},
    # The proof that somebody was erased names them by a keyed hash.
    "calls.Erasure": {"number_hash", "erased_by", "digest"},
    # The file goes when its import ends, is taken back, or nobody goes on with it.
    "campaigns.LeadImport": {
        *("file", "file_name", "columns", "region", "message", "language"),
    },
    # What a register said of a number: a month at most, or until the person asks.
    "campaigns.RegisterAnswer": {"phone_number"},
    # Sealed with the API key of whoever asked, which we do not keep; a day.
    "portal.IdempotentAnswer": {"sealed_body", "key", "request_digest"},
    # Sealed, and gone within a minute of having been heard.
    "channels_postgres.Message": {"channel", "message"},
}
# Codes, measures and credentials: no words of anybody.
CODES: Final = {
    "calls.Call": {
        *("carrier", "end_reason", "carrier_code", "fault_owner", "disposition"),
        *("stop_reason", "key_owners", "allowed_origins", "token_digest"),
        *("resume_digest", "quality", "usage"),
    },
    "calls.CallEvent": {"kind"},
    "calls.CallAnalysis": {
        *("provider", "model", "key_owner", "transcript_provider"),
        *("transcript_model", "transcript_key_owner"),
    },
    "calls.Transfer": {"asked_by", "method", "reason"},
    "calls.VoiceNode": {"host"},
    "calls.TrunkPace": {"trunk"},
    "portal.WebhookEvent": {"kind"},
    "portal.WebhookAttempt": {"request_headers", "response_headers"},
    "portal.WebhookDelivery": {"kind"},
    "portal.OutgoingMail": {"template", "language", "idempotency_key", "last_error"},
    "portal.RateCount": {"subject"},
    "campaigns.Attempt": {"outcome", "trunk", "disposition"},
    "campaigns.Lead": {"disposition", "last_outcome"},
    "campaigns.ImportFault": {"message"},
    "campaigns.Decision": {
        *("reason", "rules_version", "zone", "zone_source", "local_time"),
    },
    "campaigns.LocalityRow": {"country", "state", "zones", "source"},
    "campaigns.LegalVersion": {"version", "rules", "changed"},
    "campaigns.LegalHours": {"country", "state", "hours", "source"},
    "contenttypes.ContentType": {"app_label", "model"},
    "auth.Permission": {"name", "codename"},
    "auth.Group": {"name"},
    "channels_postgres.GroupChannel": {"group_key", "channel"},
}
# People of the portal: they sign in, and go with their account.
ACCOUNTS: Final = {
    "admin.LogEntry": {"object_id", "object_repr", "change_message"},
    "sessions.Session": {"session_key", "session_data"},
    "account.EmailAddress": {"email"},
    "account.EmailConfirmation": {"key"},
    "mfa.Authenticator": {"data"},
    "socialaccount.SocialAccount": {"provider", "uid", "extra_data"},
    "socialaccount.SocialToken": {"token", "token_secret"},
    "usersessions.UserSession": {"ip", "session_key", "user_agent", "data"},
    "portal.User": {"password", "email", "name", "language"},
    "portal.Membership": {"assistant_ids", "campaign_ids"},
    "portal.Invitation": {"email", "assistant_ids", "campaign_ids", "digest"},
    "portal.SignUpRequest": {"email", "name", "company", "language", "digest"},
    "portal.OutgoingMail": {"recipient"},
    "portal.Visit": {"visitor_name", "reason", "ticket"},
    # Numbers in it are masked where it is written.
    "portal.AuditRecord": {"api_key", "address", "action", "target", "changes"},
    "portal.ClientNote": {"text"},
}
# What organizations set up: theirs, and told to nobody else.
_SETTINGS_APPS: Final = {"assistants", "billing", "socialaccount"}
SETTINGS: Final = {
    "portal.Organization",
    "portal.APIKey",
    "portal.SignInApp",
    "portal.PortalDomain",
    "portal.MailSender",
    "portal.SendingDomain",
    "portal.BrandPicture",
    "portal.Portal",
    "portal.PrivacySettings",
    "portal.WebhookEndpoint",
    "calls.CallGuard",
    "calls.Halt",
    "calls.PhoneNumber",
    "calls.Trunk",
    "calls.Widget",
    "campaigns.Campaign",
    "campaigns.SavedList",
    "campaigns.CampaignTemplate",
    "campaigns.Register",
}
CALLERS: Final = (CONTENT, METADATA, PEOPLE, LISTS)


def columns_of(*kinds: dict[str, set[str]]) -> set[str]:
    """Return `app.Model.column` of every column of these kinds."""
    return {
        f"{model}.{name}"
        for kind in kinds
        for model, names in kind.items()
        for name in names
    }


def worded(model: type[models.Model]) -> set[str]:
    """Return the columns of a model that can hold words of its writer's choosing."""
    return {
        field.name
        for field in model._meta.local_concrete_fields
        if isinstance(field, _WORDED) and not field.choices
    }


def _is_settings(model: type[models.Model]) -> bool:
    known = columns_of(*CALLERS, STAYS, CODES, ACCOUNTS)
    label = model._meta.label
    return label in SETTINGS or (
        model._meta.app_label in _SETTINGS_APPS
        and not any(name.startswith(f"{label}.") for name in known)
    )


def test_every_column_that_can_hold_words_is_of_one_kind() -> None:
    there = {
        f"{model._meta.label}.{name}"
        for model in apps.get_models()
        if not _is_settings(model)
        for name in worded(model)
    }
    kinds = [columns_of(kind) for kind in (*CALLERS, STAYS, CODES, ACCOUNTS)]
    assert there == set().union(*kinds)
    assert sum(map(len, kinds)) == len(there)
