"""Keep only the indexes and checks of the journal that somebody reads or needs.

What a posting or a hold points at is written or locked by the statement before, so
checking that it is there found it each time; that it stays is for the account itself
to see to, as the journal does (`0003_append_only`).
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


_KEEP = """
create function billing_keep_account() returns trigger language plpgsql as $$
begin
  if exists (select from billing_posting where account_id = old.id) then
    raise exception 'An account with postings stays.'
      using errcode = 'integrity_constraint_violation';
  end if;
  return old;
end $$;
create trigger keep_account before delete on billing_account
  for each row execute function billing_keep_account();
"""
_LET_GO = """
drop trigger keep_account on billing_account;
drop function billing_keep_account();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('billing', '0008_ledger_functions'),
        ('portal', '0014_templates_for_clients'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='account',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AlterField(
            model_name='hold',
            name='account',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='holds', to='billing.account'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='actor',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='agency',
            field=models.ForeignKey(db_constraint=False, db_index=False, editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='corrects',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='billing.ledgerentry'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='organization',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.organization'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='account',
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='billing.account'),
        ),
        migrations.AlterField(
            model_name='posting',
            name='entry',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='billing.ledgerentry'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('actor__isnull', False)), fields=['actor'], name='entry_by_actor'),
        ),
        migrations.AddIndex(
            model_name='ledgerentry',
            index=models.Index(condition=models.Q(('corrects__isnull', False)), fields=['corrects'], name='entry_by_corrected'),
        ),
        migrations.RunSQL(_KEEP, _LET_GO),
    ]
