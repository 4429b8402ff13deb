"""How long ago something was, as Germans say it.

Django looks these up for `naturaltime`, and its own German has "1 Tage her". They stand
here so that `make messages` gathers them: our catalogues come before Django's.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop, npgettext_lazy

AGO: Final = gettext_noop("%(delta)s ago")
LAPSES: Final = (
    npgettext_lazy("naturaltime-past", "%(num)d year", "%(num)d years", "num"),
    npgettext_lazy("naturaltime-past", "%(num)d month", "%(num)d months", "num"),
    npgettext_lazy("naturaltime-past", "%(num)d week", "%(num)d weeks", "num"),
    npgettext_lazy("naturaltime-past", "%(num)d day", "%(num)d days", "num"),
    npgettext_lazy("naturaltime-past", "%(num)d hour", "%(num)d hours", "num"),
    npgettext_lazy("naturaltime-past", "%(num)d minute", "%(num)d minutes", "num"),
)
