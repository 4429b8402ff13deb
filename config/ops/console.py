"""The console as it is mounted: which models it shows, and in which order."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from config.ops.conversations import CALLS
from config.ops.money import MONEY
from config.ops.people import ORGANIZATIONS
from config.ops.site import OperatorSite
from config.ops.work import WORK

console: Final = OperatorSite(name="admin")
# Rate counts are left out: they count seconds, and are nobody's history.
console.show(_("Organizations"), ORGANIZATIONS)
console.show(_("Conversations"), CALLS)
console.show(_("Work"), WORK)
console.show(_("Money"), MONEY)
