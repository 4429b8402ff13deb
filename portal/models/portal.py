"""An agency's branded front: its address, its brand, on or off."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from portal.models.organization import Organization

slug_validator = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])$",
    _(
        "Use 3 to 40 lower-case letters, digits and hyphens, with a letter or digit at each end."
    ),
)
color_validator = RegexValidator(
    r"^#[0-9a-f]{6}$", _("Enter a colour such as #3b82f6.")
)


class Portal(models.Model):
    """A portal answers at `<slug>.<base domain>` and shows one agency's brand.

    Not scoped: it must be found from the host, before anybody is known.
    """

    class Radius(models.TextChoices):
        SQUARE = "square", _("Square")
        SOFT = "soft", _("Soft")
        ROUND = "round", _("Round")

    class Font(models.TextChoices):
        SANS = "sans", _("Sans serif")
        HUMANIST = "humanist", _("Humanist")
        SERIF = "serif", _("Serif")

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable", _("Comfortable")
        COMPACT = "compact", _("Compact")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.OneToOneField(
        Organization, on_delete=models.PROTECT, related_name="portal"
    )
    slug = models.CharField(max_length=40, unique=True, validators=[slug_validator])
    is_enabled = models.BooleanField(default=True)

    name = models.CharField(_("name"), max_length=80)
    accent_color = models.CharField(
        _("accent colour"),
        max_length=7,
        default="#3b5bdb",
        validators=[color_validator],
    )
    neutral_hue_deg = models.PositiveSmallIntegerField(
        _("hue of the greys"), default=250
    )
    radius = models.CharField(
        _("corners"), max_length=8, choices=Radius, default=Radius.SOFT
    )
    font = models.CharField(_("font"), max_length=12, choices=Font, default=Font.SANS)
    density = models.CharField(
        _("density"), max_length=12, choices=Density, default=Density.COMFORTABLE
    )
    logo_light = models.BinaryField(null=True, editable=False)
    logo_dark = models.BinaryField(null=True, editable=False)
    favicon = models.BinaryField(null=True, editable=False)
    welcome_text = models.CharField(_("sign-in text"), max_length=200, blank=True)
    support_email = models.EmailField(_("support address"), blank=True)
    credits_word = models.CharField(_("word for credits"), max_length=30, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=settings.LANGUAGES, default="en"
    )
    brand_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name
