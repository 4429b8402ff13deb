"""Testing a trunk's connection: asked for by a person, done by a worker, kept on the row.

ask_for_check ──▶ row: running ──▶ worker: probe ──▶ row: what was seen
                                    └─ never: out of date after `GIVE_UP_AFTER_S`
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _, gettext_noop

from calls.models import PhoneNumber, Trunk
from calls.services.nodes import alive_nodes
from calls.telephony.probing import unusable
from calls.telephony.protocol import BadTrunk, ProbeStep, TrunkConfig
from calls.telephony.registry import UnknownCarrier, carrier_spec
from calls.trunk_rules import region_of
from common.edges import contained
from portal.models import User
from portal.scope import all_organizations
from portal.services import audit

logger = logging.getLogger(__name__)

PROBE_LIMIT_S: Final = 25.0
GIVE_UP_AFTER_S: Final = 40


def trunk_config(
    trunk: Trunk, *, numbers: frozenset[str] = frozenset(), holds: bool = True
) -> TrunkConfig:
    """Return a trunk as carriers take it, its password opened.

    `holds`: whether this voice process is the one that registers.
    """
    home = trunk.outbound_number or min(numbers, default="")
    return TrunkConfig(
        id=trunk.pk,
        carrier=trunk.carrier,
        name=trunk.name,
        settings={
            "host": trunk.host,
            "port": trunk.port,
            "transport": trunk.transport,
            "outbound_proxy": trunk.outbound_host,
            "data_region": trunk.data_region,
            "username": trunk.auth_username,
            "register": trunk.registers,
            "addresses": trunk.inbound_addresses,
            "number_format": trunk.number_format,
            "region": region_of(home) or "",
            "public_key": trunk.public_key,
            "codecs": trunk.codecs,
            "srtp": trunk.srtp,
            "domain": trunk.domain,
            "register_expires_s": trunk.register_expires_s,
            "options_every_s": trunk.options_every_s,
        },
        secrets={"password": trunk.auth_password},
        max_channels=trunk.max_channels,
        calls_per_second=trunk.calls_per_second,
        holds_registration=holds and trunk.registers,
        numbers=numbers,
    )


def trunk_configs(*, node_id: UUID) -> list[TrunkConfig]:
    """Return every active trunk, as this voice process is to use it.

    The oldest voice process that is alive registers with the carriers, so that a trunk
    has one contact; when it goes, the next one does.
    """
    oldest = alive_nodes().first()
    is_oldest = oldest is None or oldest.pk == node_id
    with all_organizations("a node carries calls of many organizations"):
        trunks = list(Trunk.objects.filter(is_active=True).order_by("pk"))
        numbers: dict[UUID, set[str]] = {trunk.pk: set() for trunk in trunks}
        for trunk_id, number in PhoneNumber.objects.filter(
            trunk__in=trunks
        ).values_list("trunk_id", "number"):
            numbers[trunk_id].add(number)
        return [
            trunk_config(one, numbers=frozenset(numbers[one.pk]), holds=is_oldest)
            for one in trunks
        ]


@transaction.atomic
def ask_for_check(*, trunk: Trunk, actor: User | None) -> None:
    """Have the connection tested; the row says `running` until the result is there."""
    from calls.tasks import check_trunk  # tasks import this module

    now = timezone.now()
    Trunk.objects.filter(pk=trunk.pk).update(
        check_result={"state": "running"}, check_asked_at=now
    )
    audit.record(
        organization=trunk.organization,
        actor=actor,
        action="trunk.tested",
        target=trunk,
    )
    trunk_id = str(trunk.pk)
    transaction.on_commit(lambda: check_trunk.delay(trunk_id=trunk_id))


def is_running(trunk: Trunk) -> bool:
    """Whether a test goes on; one that was lost on the way counts as over."""
    asked_at = trunk.check_asked_at
    return (
        trunk.check_result.get("state") == "running"
        and asked_at is not None
        and timezone.now() - asked_at < timedelta(seconds=GIVE_UP_AFTER_S)
    )


def run_check(*, trunk_id: UUID) -> None:
    """Try a trunk for real and keep what was seen; the last test that ends counts."""
    with all_organizations("the id comes from our own queue"):
        trunk = Trunk.objects.filter(pk=trunk_id).first()
        if trunk is None:
            return
        steps = _probe(trunk)
        failed = [step for step in steps if step.is_ok is False]
        Trunk.objects.filter(pk=trunk_id).update(
            check_result={
                "state": "done",
                "is_ok": not failed and any(step.is_ok for step in steps),
                "steps": [asdict(step) for step in steps],
            },
            checked_at=timezone.now(),
        )


def _probe(trunk: Trunk) -> tuple[ProbeStep, ...]:
    try:
        spec = carrier_spec(trunk.carrier)
        config = trunk_config(trunk, numbers=_numbers_of(trunk))
        spec.check(config)
    except UnknownCarrier:
        unknown = gettext_noop("This carrier is not part of this installation.")
        return (_trouble(unknown),)
    except BadTrunk as error:
        return (unusable(error),)
    if spec.probe is None:
        needless = gettext_noop("This carrier needs no connection.")
        return (ProbeStep("settings", True, needless),)
    probe = spec.probe

    async def within_limit() -> tuple[ProbeStep, ...]:
        async with asyncio.timeout(PROBE_LIMIT_S):
            return await probe(config)

    # A carrier has its own kinds, and whoever asked is told.
    with contained(logger, "trunk not tested", trunk=str(trunk.pk)) as test:
        try:
            return asyncio.run(within_limit())
        except TimeoutError:
            late = gettext_noop("The test took too long and was stopped.")
            return (_trouble(late),)
    broke = gettext_noop("The test broke: %(kind)s.")
    return (_trouble(broke, kind=type(test.error).__name__),)


def _numbers_of(trunk: Trunk) -> frozenset[str]:
    return frozenset(trunk.numbers.values_list("number", flat=True))


def _trouble(text: str, **values: str) -> ProbeStep:
    return ProbeStep("test", False, text, values=values)


def said(step: dict[str, Any], part: str) -> str:
    """Return a sentence of a kept step in the reader's language."""
    text, values = step.get(part, ""), step.get("values")
    if not text:
        return ""
    return _(text) % values if values else _(text)


def last_test(trunk: Trunk) -> dict[str, Any] | None:
    """Return what the last test saw, as the API tells it."""
    result: dict[str, Any] = trunk.check_result
    if "steps" not in result:
        return result or None
    steps = [
        {
            "name": step["name"],
            "is_ok": step["is_ok"],
            "detail": said(step, "detail"),
            "advice": said(step, "advice"),
        }
        for step in result["steps"]
    ]
    return result | {"steps": steps}


def shown_steps(trunk: Trunk) -> list[dict[str, Any]]:
    """Return what the last test saw, as the timeline component draws it."""
    tones = {
        True: ("success", "check"),
        False: ("danger", "error"),
        None: ("", "minus"),
    }
    titles = step_titles()
    return [
        {
            "title": titles.get(step["name"], step["name"]),
            "text": said(step, "detail"),
            "advice": said(step, "advice"),
            "tone": tones[step["is_ok"]][0],
            "icon": tones[step["is_ok"]][1],
            "at": " ",
        }
        for step in trunk.check_result.get("steps", ())
    ]


def step_titles() -> dict[str, str]:
    """Return what each thing a test looks at is called."""
    return {
        "settings": _("Settings"),
        "dns": _("Name lookup"),
        "connect": _("Connection"),
        "tls": _("Encryption"),
        "options": _("Answer to a greeting"),
        "auth": _("Sign-in"),
        "codec": _("Audio format"),
        "test": _("Test"),
        "account": _("Account"),
        "numbers": _("Numbers"),
    }
