"""Put the second wall around keys, MCP servers and templates."""

from django.db import migrations

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("assistants", "0004_own_keys_and_templates")]

    operations = [
        protect("assistants_providerkey"),
        protect("assistants_mcpserver"),
        protect("assistants_tooltemplate"),
        protect("assistants_analysistemplate"),
    ]
