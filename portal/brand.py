"""A portal's brand as templates and mails see it: name, addresses, words, menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.branding import brand_version
from portal.hosts import portal_url
from portal.models import Portal
from portal.words import Words

OPERATOR_NAME = "Portavoce"
CREDIT = _("credit")
CREDITS = _("credits")
ASSISTANT = _("assistant")
ASSISTANTS = _("assistants")


@dataclass(frozen=True)
class MenuEntry:
    """A page of the agency's own in the menu; framed, or opened beside the portal."""

    key: str
    label: str
    url: str
    is_framed: bool


@dataclass(frozen=True)
class Brand:
    """What to call the house and where its pictures are; empty addresses: there are none."""

    name: str
    legal_name: str = ""
    css_url: str = ""
    logo_url: str = ""
    logo_dark_url: str = ""
    has_own_logo: bool = False
    favicon_url: str = ""
    touch_icon_url: str = ""
    manifest_url: str = ""
    sign_in_picture_url: str = ""
    social_picture_url: str = ""
    mail_logo_url: str = ""
    page_title: str = ""
    description: str = ""
    welcome_text: str = ""
    support_email: str = ""
    support_url: str = ""
    terms_url: str = ""
    privacy_url: str = ""
    credit_word: str | Promise = CREDIT
    credits_word: str | Promise = CREDITS
    assistant_word: str | Promise = ASSISTANT
    assistants_word: str | Promise = ASSISTANTS
    menu: tuple[MenuEntry, ...] = ()
    shows_powered_by: bool = False
    accepts_sign_up: bool = False

    @classmethod
    def of(cls, portal: Portal | None) -> Self:
        """Return the portal's brand, or the operator's plain one; costs no query."""
        if portal is None:
            return cls(name=OPERATOR_NAME)
        pictures = portal.pictures

        def address(name: str, *args: str) -> str:
            path = reverse(name, args=args, urlconf=settings.ROOT_URLCONF)
            return f"{path}?v={brand_version(portal)}"

        def picture(kind: str) -> str:
            return address("brand_picture", kind) if kind in pictures else ""

        return cls(
            name=portal.name,
            legal_name=portal.legal_name,
            css_url=address("brand_css"),
            logo_url=address("brand_logo", "light"),
            logo_dark_url=address("brand_logo", "dark"),
            has_own_logo="logo-light" in pictures,
            favicon_url=address("brand_favicon"),
            touch_icon_url=address("brand_picture", "icon-180"),
            manifest_url=address("brand_manifest"),
            sign_in_picture_url=picture("sign-in"),
            social_picture_url=_absolute(portal, picture("social")),
            mail_logo_url=_absolute(portal, address("brand_picture", "icon-192")),
            page_title=portal.page_title or portal.name,
            description=portal.description or portal.welcome_text,
            welcome_text=portal.welcome_text,
            support_email=portal.support_email,
            support_url=portal.support_url,
            terms_url=portal.terms_url,
            privacy_url=portal.privacy_url,
            credit_word=portal.credit_word or CREDIT,
            credits_word=portal.credits_word or CREDITS,
            assistant_word=portal.assistant_word or ASSISTANT,
            assistants_word=portal.assistants_word or ASSISTANTS,
            menu=tuple(MenuEntry(**entry) for entry in portal.menu_entries),
            shows_powered_by=portal.shows_powered_by,
            accepts_sign_up=portal.sign_up
            in (Portal.SignUp.OPEN, Portal.SignUp.APPROVAL),
        )


def words_of(portal: Portal | None) -> Words:
    """Return what a portal calls credits and assistants."""
    if portal is None:
        return Words()
    return Words(
        assistant=portal.assistant_word,
        assistants=portal.assistants_word,
        credit=portal.credit_word,
        credits=portal.credits_word,
    )


def _absolute(portal: Portal, path: str) -> str:
    return portal_url(portal, path) if path else ""
