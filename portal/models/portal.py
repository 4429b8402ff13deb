"""An agency's branded front: its address, its brand, on or off."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from portal.host_cache import forget_portal
from portal.models.organization import Organization
from portal.slugs import check_slug, look_of

slug_validator = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{1,38}[a-z0-9])\Z",
    _(
        "Use 3 to 40 lower-case letters, digits and hyphens, with a letter or digit at each end."
    ),
)
color_validator = RegexValidator(
    r"^#[0-9a-f]{6}\Z", _("Enter a colour such as #3b82f6.")
)

key_prefix_validator = RegexValidator(
    r"^[a-z][a-z0-9]{1,9}$", _("Use 2 to 10 small letters and digits.")
)


word_validator = RegexValidator(
    r"^[\w ’-]+\Z", _("Use letters, digits, spaces and hyphens.")
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

    class SignUp(models.TextChoices):
        OPEN = "open", _("Open to everyone")
        APPROVAL = "approval", _("Open, and you approve each")
        INVITE = "invite", _("On invitation")
        CLOSED = "closed", _("Closed")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.OneToOneField(
        Organization, on_delete=models.PROTECT, related_name="portal"
    )
    slug = models.CharField(
        max_length=40, unique=True, validators=[slug_validator, check_slug]
    )
    # The slug as the eye reads it: two that look alike have the same.
    slug_look = models.CharField(max_length=40, default="", editable=False)
    # The own domain that is live, kept here so that a page need not ask for it.
    live_domain = models.CharField(max_length=253, blank=True, editable=False)
    is_enabled = models.BooleanField(default=True)
    disabled_notice = models.CharField(
        _("notice while it is off"), max_length=300, blank=True
    )
    disabled_speech = models.CharField(
        _("spoken to callers while it is off"), max_length=300, blank=True
    )

    name = models.CharField(_("name"), max_length=80)
    legal_name = models.CharField(_("legal name"), max_length=120, blank=True)
    primary_color = models.CharField(
        _("primary colour"), max_length=7, blank=True, validators=[color_validator]
    )
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
    # Which pictures there are: kind to content hash. The bytes are `BrandPicture`s.
    pictures = models.JSONField(default=dict, editable=False)
    welcome_text = models.CharField(_("sign-in text"), max_length=200, blank=True)
    support_email = models.EmailField(_("support address"), blank=True)
    page_title = models.CharField(
        _("title in search results"), max_length=80, blank=True
    )
    description = models.CharField(
        _("text of link previews"), max_length=200, blank=True
    )
    support_url = models.URLField(_("help pages"), blank=True)
    terms_url = models.URLField(_("terms"), blank=True)
    privacy_url = models.URLField(_("privacy policy"), blank=True)
    credit_word = models.CharField(
        _("word for one credit"),
        max_length=30,
        blank=True,
        validators=[word_validator],
    )
    credits_word = models.CharField(
        _("word for credits"), max_length=30, blank=True, validators=[word_validator]
    )
    assistant_word = models.CharField(
        _("word for an assistant"),
        max_length=30,
        blank=True,
        validators=[word_validator],
    )
    assistants_word = models.CharField(
        _("word for assistants"),
        max_length=30,
        blank=True,
        validators=[word_validator],
    )
    # `[{"key", "label", "url", "is_framed"}]`, in order.
    menu_entries = models.JSONField(default=list, blank=True, editable=False)
    shows_powered_by = models.BooleanField(_("show “Powered by”"), default=True)
    sign_up = models.CharField(
        _("new clients"), max_length=8, choices=SignUp, default=SignUp.INVITE
    )
    # Providers of social sign-in the agency has an application of its own at: provider
    # to client id. Its secret is in `SignInApp`; a sign-in page need not ask for it.
    sign_in_apps = models.JSONField(default=dict, editable=False)
    # Ids of the agency's assistants that new clients get copies of, in order.
    template_assistant_ids = models.JSONField(default=list, editable=False)
    # The same of "tools", "analyses" and "campaigns".
    template_library = models.JSONField(default=dict, editable=False)
    # Empty: what a visitor's browser asks for.
    language = models.CharField(
        _("language"),
        max_length=8,
        choices=[("", _("As the visitor’s browser asks")), *settings.LANGUAGES],
        default="en",
        blank=True,
    )
    api_key_prefix = models.CharField(
        _("start of API keys"),
        max_length=10,
        default="fl",
        validators=[key_prefix_validator],
    )
    brand_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug_look"],
                condition=~models.Q(slug_look=""),
                name="portal_looks_like_no_other",
                violation_error_message=_(
                    "Another portal has this name, or one that looks like it."
                ),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep what the slug looks like in step with it; forget the cached portal."""
        self.slug_look = look_of(self.slug)
        fields = kwargs.get("update_fields")
        if fields is not None and "slug" in fields:
            kwargs["update_fields"] = {*fields, "slug_look"}
        super().save(*args, **kwargs)
        forget_portal(self)

    def clean(self) -> None:
        """Let the constraint on look-alikes see the slug that is to be saved."""
        self.slug_look = look_of(self.slug)

    def domain_names(self) -> list[str]:
        """Return the domains this portal has claimed; they cost a query."""
        return list(self.domains.values_list("name", flat=True))
