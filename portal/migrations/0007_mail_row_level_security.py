"""Put the second wall around mails, their senders and their domains."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("portal", "0006_outgoing_mail")]

    operations = [
        protect("portal_outgoingmail"),
        protect("portal_mailsender"),
        protect("portal_sendingdomain"),
    ]
