"""Find what people gave by hand among the entries of calls, which are most of them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("billing", "0011_by_hand_row_level_security")]

    operations = [
        AddIndexConcurrently(
            model_name="ledgerentry",
            index=models.Index(
                fields=["agency", "-created_at"],
                condition=models.Q(source__in=["correction", "grant", "transfer"]),
                name="entry_by_hand",
            ),
        )
    ]
