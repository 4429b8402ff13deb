"""A model field whose value is sealed in the database and opened where it is used.

    class Trunk(Owned):
        password = SealedTextField(blank=True)

    trunk.password = "s3cret"; trunk.save()     sealed on its way to the database
    trunk.password                              opened here, each time it is read

The value is bound to table, column and owner: moved to another organization's row it
raises `SealBroken`. It cannot be searched for, is left out of model forms, and is never
written by `update()`, which would not know the owner. Show people a hint kept in a
field beside it, such as the last four characters; a list never opens anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.functions import Substr
from django.db.models.query_utils import DeferredAttribute

from common.sealing import KeyRing, SealBroken
from portal.scope import all_organizations

__all__ = [
    "SealBroken",
    "SealableTextField",
    "SealedTextField",
    "ToSeal",
    "also_reseal",
    "is_sealed",
    "key_ring",
    "reseal_all",
]
_BATCH = 500


class _Sealed(str):
    """A sealed value as the database holds it."""

    __slots__ = ()


@cache
def _parsed(text: str) -> KeyRing:
    return KeyRing.parse(text)


def key_ring() -> KeyRing:
    """Return the installation's keys; without any, say how to make one."""
    if not settings.SEALING_KEYS:
        raise ImproperlyConfigured(
            "SEALING_KEYS is not set, so no secret can be kept. "
            "`python manage.py sealing_key` makes a key."
        )
    return _parsed(settings.SEALING_KEYS)


class _Opened(DeferredAttribute):
    """Opens the value when it is read."""

    field: SealedTextField

    def __get__(self, instance: models.Model | None, cls: Any = None) -> Any:
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if isinstance(value, _Sealed):
            return key_ring().unseal(value, self.field.context(instance))
        return value

    def __set__(self, instance: models.Model, value: str | None) -> None:
        instance.__dict__[self.field.attname] = value


if TYPE_CHECKING:  # the class has no types when it runs
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class SealedTextField(_TextField):
    """Text that only this row of this owner can open again; empty stays empty.

    `owner` names the attribute that says whose it is.
    """

    descriptor_class = _Opened
    marker = ""  # what stands before a sealed value in the database

    def __init__(
        self, *args: Any, owner: str = "organization_id", **kwargs: Any
    ) -> None:
        kwargs["editable"] = False
        super().__init__(*args, **kwargs)
        self.owner = owner

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("editable", None)
        if self.owner != "organization_id":
            kwargs["owner"] = self.owner
        return name, path, args, kwargs

    def must_seal(self, value: str) -> bool:
        """Whether a value that is not sealed yet has to be."""
        return bool(value)

    def context(self, instance: models.Model) -> str:
        """Return the place the value of this row is sealed for."""
        owner = getattr(instance, self.owner)
        if owner is None:
            raise ValueError(f"{self.name}: a secret needs an owner before it is kept.")
        return f"{self.model._meta.db_table}.{self.column}:{owner}"

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = model_instance.__dict__[self.attname]
        if not isinstance(value, _Sealed) and self.must_seal(value):
            value = _Sealed(key_ring().seal(value, self.context(model_instance)))
            model_instance.__dict__[self.attname] = value
        return value

    def get_prep_value(self, value: Any) -> Any:
        if value and not isinstance(value, _Sealed):
            raise TypeError(
                f"{self.name} is sealed: assign it to the row and save the row."
            )
        return value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        return _Sealed(value) if value else value

    def value_to_string(self, obj: models.Model) -> str:
        """Serialize the sealed value; the opened one leaves only by being read."""
        return str(obj.__dict__[self.attname] or "")


class ToSeal(str):
    """Text that a `SealableTextField` is to keep sealed."""

    __slots__ = ()


class SealableTextField(SealedTextField):
    """Text that is sealed when it is assigned as `ToSeal`, and plain otherwise.

    For content whose owner may ask for either; reading gives the text in both cases.
    A sealed one is not found by what it says.
    """

    marker = "\x1asealed:"  # no text begins like this: it is taken off when saved

    def must_seal(self, value: str) -> bool:
        return isinstance(value, ToSeal) and bool(value)

    def get_prep_value(self, value: Any) -> Any:
        if isinstance(value, _Sealed):
            return self.marker + value
        return value.lstrip("\x1a") if isinstance(value, str) else value

    def from_db_value(self, value: str | None, *_: Any) -> str | None:
        if value and value.startswith(self.marker):
            return _Sealed(value.removeprefix(self.marker))
        return value


def is_sealed(instance: models.Model, name: str) -> bool:
    """Whether a row that was saved or loaded holds this field sealed."""
    return isinstance(instance.__dict__[name], _Sealed)


def sealed_fields() -> Iterator[SealedTextField]:
    """Give every sealed field of the installation."""
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if isinstance(field, SealedTextField):
                yield field


_elsewhere: list[Callable[[], int]] = []


def also_reseal(reseal: Callable[[], int]) -> None:
    """Note what seals anew the secrets an app keeps elsewhere, such as inside of JSON.

    It runs in the scope of all organizations and returns how many it moved.
    """
    if reseal not in _elsewhere:
        _elsewhere.append(reseal)


def reseal_all() -> int:
    """Seal what an older key sealed with the key that seals now; return how many.

    Runs beside a live installation: a value that somebody changed meanwhile stays as
    they left it. May be stopped anywhere and run again.
    """
    with all_organizations("every organization's secrets move to the new key"):
        in_fields = sum(_reseal(field) for field in sealed_fields())
        return in_fields + sum(reseal() for reseal in _elsewhere)


def _reseal(field: SealedTextField) -> int:
    done = 0
    rows = field.model._base_manager
    current = f"{field.marker}{key_ring().primary}."
    plain = models.TextField()
    older = (
        rows.annotate(
            seal_marker=Substr(field.name, 1, len(field.marker), output_field=plain),
            seal_key=Substr(field.name, 1, len(current), output_field=plain),
        )
        .filter(seal_marker=field.marker)
        .exclude(seal_key__in=[current, ""])
    )
    for row in older.iterator(chunk_size=_BATCH):
        old = row.__dict__[field.attname]
        setattr(row, field.attname, ToSeal(getattr(row, field.attname)))
        new = field.pre_save(row, add=False)
        done += rows.filter(pk=row.pk, **{field.name: old}).update(**{field.name: new})
    return done
