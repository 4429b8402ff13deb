"""Keep fewer indexes on leads and attempts: each costs every change of a row.

The foreign keys are found through the unique constraints that begin with them.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0010_saved_lists_row_level_security")]

    operations = [
        AddIndexConcurrently(
            model_name="lead",
            index=models.Index(fields=["campaign", "status"], name="lead_by_state"),
        ),
        RemoveIndexConcurrently(model_name="lead", name="lead_by_status"),
        migrations.AlterField(
            model_name="lead",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="leads",
                to="campaigns.campaign",
            ),
        ),
        migrations.AlterField(
            model_name="attempt",
            name="lead",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="campaigns.lead",
            ),
        ),
    ]
