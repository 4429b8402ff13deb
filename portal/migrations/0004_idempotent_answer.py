"""Keep the answers of repeated requests, behind the second wall."""

import common.ids
import django.db.models.deletion
from django.db import migrations, models

from portal.postgresql.rls import protect


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_rate_count")]

    operations = [
        migrations.CreateModel(
            name="IdempotentAnswer",
            fields=[
                ("id", models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("key", models.CharField(max_length=255)),
                ("request_digest", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("sealed_body", models.BinaryField(default=b"")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("agency", models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.organization")),
                ("api_key", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="portal.apikey")),
                ("organization", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="portal.organization")),
            ],
            options={
                "indexes": [models.Index(fields=["api_key", "created_at"], name="answer_by_age")],
                "constraints": [models.UniqueConstraint(fields=("api_key", "key"), name="idempotency_key_once")],
            },
        ),
        protect("portal_idempotentanswer"),
    ]
