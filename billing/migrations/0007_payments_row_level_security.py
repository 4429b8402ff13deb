"""Wall in payments and offers; let nobody rewrite the seller's books."""

from django.db import migrations

from portal.postgresql.rls import protect

_OWNED = (
    "autorecharge",
    "cashposting",
    "coupon",
    "creditpackage",
    "creditwatch",
    "payment",
    "plan",
    "stripeaccount",
    "stripecustomer",
    "subscription",
    "trialoffer",
)
_REFUSE = """
create trigger append_only before delete or update on billing_cashposting
  for each row execute function billing_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0006_payments_and_offers")]

    operations = [
        *(protect(f"billing_{name}") for name in _OWNED),
        # An event belongs to an agency, or to the operator alone.
        protect("billing_stripeevent", organization="agency_id"),
        migrations.RunSQL(_REFUSE, "drop trigger append_only on billing_cashposting"),
    ]
