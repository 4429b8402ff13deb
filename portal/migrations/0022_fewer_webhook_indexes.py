"""Write an event with nine indexes instead of thirteen, and find those of a call."""

from typing import Any

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

OWNER = {"organization": {}, "agency": {"editable": False}}
PARTS = {
    "webhookdelivery": ("event", "deliveries", "portal.webhookevent"),
    "webhookattempt": ("delivery", "tries", "portal.webhookdelivery"),
}


def _owner(model: str, name: str, more: dict[str, Any]) -> migrations.AlterField:
    return migrations.AlterField(
        model_name=model,
        name=name,
        field=models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="+",
            to="portal.organization",
            **more,
        ),
    )


def _part(model: str, name: str, related: str, to: str) -> migrations.AlterField:
    return migrations.AlterField(
        model_name=model,
        name=name,
        field=models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.CASCADE,
            related_name=related,
            to=to,
        ),
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("portal", "0021_mail_of_call")]

    operations = [
        AddIndexConcurrently(
            model_name="webhookevent",
            index=models.Index(
                fields=["call_id"],
                condition=models.Q(("call_id__isnull", False)),
                name="webhook_event_of_call",
            ),
        ),
        *(
            _owner(model, name, more)
            for model in ("webhookevent", "webhookdelivery", "webhookattempt")
            for name, more in OWNER.items()
        ),
        *(_part(model, *part) for model, part in PARTS.items()),
    ]
