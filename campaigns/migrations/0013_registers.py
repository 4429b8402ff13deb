import common.ids
import django.db.models.deletion
import portal.sealed
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0012_attempt_open_once'),
        ('portal', '0017_words_are_words'),
    ]

    operations = [
        migrations.CreateModel(
            name='Register',
            fields=[
                ('id', models.UUIDField(default=common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('url', models.CharField(max_length=500, verbose_name='address')),
                ('secret', portal.sealed.SealedTextField(blank=True, owner='owner')),
                ('countries', models.JSONField(default=list)),
                ('fresh_for_h', models.PositiveSmallIntegerField(default=24)),
                ('asked_at', models.DateTimeField(null=True)),
                ('fault', models.CharField(blank=True, max_length=200)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('retry_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('agency', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization')),
            ],
            options={
                'ordering': ['name', 'pk'],
                'constraints': [models.UniqueConstraint(fields=('organization', 'name'), name='register_name_once', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('fresh_for_h__gte', 1), ('fresh_for_h__lte', 744)), name='register_answers_age')],
            },
        ),
        migrations.CreateModel(
            name='RegisterAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('phone_number', models.CharField(max_length=16)),
                ('is_listed', models.BooleanField()),
                ('asked_at', models.DateTimeField()),
                ('agency', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.organization')),
                ('organization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.organization')),
                ('register', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='campaigns.register')),
            ],
            options={
                'indexes': [models.Index(fields=['asked_at'], name='register_answer_age')],
                'constraints': [models.UniqueConstraint(fields=('phone_number', 'register'), name='register_answer_once')],
            },
        ),
        migrations.AddField(
            model_name='leadimport',
            name='language',
            field=models.CharField(default='en', max_length=10),
        ),
        migrations.AlterField(
            model_name='lead',
            name='skip_reason',
            field=models.CharField(blank=True, choices=[('suppressed', 'Asked not to be called'), ('registered', 'On an external register'), ('no_consent', 'No consent is on record'), ('no_time_zone', 'The time zone is not known'), ('no_common_hours', 'No hour is allowed at this place'), ('destination', 'This number may not be called'), ('campaign_over', "The campaign's last day is over"), ('cancelled', 'The campaign was cancelled'), ('by_hand', 'Skipped by hand')], max_length=20),
        ),
    ]
