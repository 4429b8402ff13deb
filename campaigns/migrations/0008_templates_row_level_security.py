"""Put the second wall around templates of campaigns."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0007_campaign_templates")]

    operations = [protect("campaigns_campaigntemplate")]
