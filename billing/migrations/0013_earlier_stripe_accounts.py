"""Keep an agency's earlier Stripe account for the payments that were made to it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_entry_by_hand")]

    operations = [
        migrations.AddField(
            model_name="stripeaccount",
            name="retired_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RemoveConstraint(
            model_name="stripeaccount", name="one_stripe_account_each"
        ),
        migrations.AddConstraint(
            model_name="stripeaccount",
            constraint=models.UniqueConstraint(
                fields=["organization"],
                condition=models.Q(retired_at__isnull=True),
                name="one_stripe_account_in_use",
            ),
        ),
    ]
