"""Every mail of the house: queued with what it tells of, branded, sent by a worker.

    send_mail(organization=…, template="receipt", to="dora@bakery.example",
              context={…}, idempotency_key=f"receipt:{top_up.pk}")

writes a row in the caller's transaction and nothing else. A template is a pair,
`templates/mail/<name>.html` and `.txt`, the first line of the text being the subject,
and an entry in `portal.mail.kinds` with a sample to preview it by.
"""

from portal.mail.queue import send_mail

__all__ = ["send_mail"]
