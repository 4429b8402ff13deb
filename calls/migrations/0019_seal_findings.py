"""Let what was found out about a call be sealed; keep who wrote it down afterwards."""

from django.db import migrations, models

import portal.sealed


class Migration(migrations.Migration):
    dependencies = [("calls", "0018_trunk_audio_options")]

    operations = [
        migrations.AlterField(
            model_name="call",
            name="summary",
            field=portal.sealed.SealableTextField(blank=True),
        ),
        migrations.AlterField(
            model_name="callanalysis",
            name="summary",
            field=portal.sealed.SealableTextField(blank=True),
        ),
        migrations.AlterField(
            model_name="callanalysis",
            name="success_reason",
            field=portal.sealed.SealableTextField(blank=True),
        ),
        migrations.AlterField(
            model_name="callanalysis",
            name="note",
            field=portal.sealed.SealableTextField(blank=True),
        ),
        # JSON as text: null, which meant that nothing was looked for, is no text.
        migrations.RunSQL(
            sql="""
                alter table calls_callanalysis
                  alter column data type text using coalesce(data::text, ''),
                  alter column data set not null;
                alter table calls_callanalysis rename column data to data_json;
            """,
            reverse_sql="""
                alter table calls_callanalysis rename column data_json to data;
                alter table calls_callanalysis
                  alter column data drop not null,
                  alter column data type jsonb using nullif(data, '')::jsonb;
            """,
            state_operations=[
                migrations.RemoveField(model_name="callanalysis", name="data"),
                migrations.AddField(
                    model_name="callanalysis",
                    name="data_json",
                    field=portal.sealed.SealableTextField(blank=True, default=""),
                    preserve_default=False,
                ),
            ],
        ),
        migrations.AddField(
            model_name="callanalysis",
            name="transcribed_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="callanalysis",
            name="transcript_provider",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name="callanalysis",
            name="transcript_model",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="callanalysis",
            name="transcript_key_owner",
            field=models.CharField(blank=True, max_length=14),
        ),
        migrations.AddField(
            model_name="callanalysis",
            name="transcript_cost_microeuros",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="callanalysis",
            name="transcript_note",
            field=models.CharField(blank=True, max_length=300),
        ),
    ]
