"""A portal's brand as templates and mails see it: name and addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.branding import brand_version
from portal.models import Portal

OPERATOR_NAME = "Portavoce"
CREDITS = _("credits")


@dataclass(frozen=True)
class Brand:
    """What to call the house and where its pictures are; empty addresses: there are none."""

    name: str
    css_url: str = ""
    logo_url: str = ""
    logo_dark_url: str = ""
    favicon_url: str = ""
    welcome_text: str = ""
    support_email: str = ""
    credits_word: str | Promise = CREDITS

    @classmethod
    def of(cls, portal: Portal | None) -> Self:
        """Return the portal's brand, or the operator's plain one."""
        if portal is None:
            return cls(name=OPERATOR_NAME)
        version = f"?v={brand_version(portal)}"

        def address(name: str, *args: str) -> str:
            return reverse(name, args=args, urlconf=settings.ROOT_URLCONF) + version

        return cls(
            name=portal.name,
            css_url=address("brand_css"),
            logo_url=address("brand_logo", "light"),
            logo_dark_url=address("brand_logo", "dark"),
            favicon_url=address("brand_favicon"),
            welcome_text=portal.welcome_text,
            support_email=portal.support_email,
            credits_word=portal.credits_word or CREDITS,
        )
