"""Webhooks out: what happens in an organization, told to the addresses it names.

    record_event(organization=…, kind="status-update", data=…, call_id=call.pk)

writes the event in the caller's transaction. `portal.webhooks.delivering` sends it at
least once, in the order of its call; `portal.webhooks.asking` puts the two questions
whose answers a call waits for.
"""

from portal.webhooks.recording import record_event

__all__ = ["record_event"]
