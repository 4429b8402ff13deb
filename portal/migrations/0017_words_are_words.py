import django.core.validators
from django.db import migrations, models

NAMES = {
    "assistant_word": "word for an assistant",
    "assistants_word": "word for assistants",
    "credit_word": "word for one credit",
    "credits_word": "word for credits",
}


class Migration(migrations.Migration):
    dependencies = [("portal", "0016_sign_in_apps_and_changes")]

    operations = [
        migrations.AlterField(
            model_name="portal",
            name=name,
            field=models.CharField(
                blank=True,
                max_length=30,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[\\w ’-]+\\Z", "Use letters, digits, spaces and hyphens."
                    )
                ],
                verbose_name=label,
            ),
        )
        for name, label in NAMES.items()
    ]
