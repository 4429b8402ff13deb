"""A sealed field: sealed in the database, open in the code, bound to its owner."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models, transaction
from django.test.utils import isolate_apps

from common.sealing import new_key
from portal import sealed
from portal.sealed import SealableTextField, SealBroken, SealedTextField, ToSeal


@pytest.fixture
def safe(db):
    """A table with one secret, and no place in the installation."""
    with isolate_apps("portal"):

        class Safe(models.Model):
            organization_id = models.IntegerField(null=True)
            secret = SealedTextField(blank=True)

            class Meta:
                app_label = "portal"
                db_table = "test_safe"

        with connection.schema_editor() as editor:
            editor.create_model(Safe)
        yield Safe


def in_database():
    with connection.cursor() as cursor:
        cursor.execute("select secret from test_safe order by id")
        return [row[0] for row in cursor.fetchall()]


def test_the_database_holds_it_sealed_and_the_code_reads_it(safe):
    row = safe.objects.create(organization_id=1, secret="hunter2")
    assert row.secret == "hunter2"
    assert in_database()[0].startswith("k1.")
    assert safe.objects.get().secret == "hunter2"
    assert safe.objects.defer("secret").get().secret == "hunter2"


def test_saving_again_keeps_the_secret(safe):
    safe.objects.create(organization_id=1, secret="hunter2")
    row = safe.objects.get()
    row.save()
    assert safe.objects.get().secret == "hunter2"


def test_nothing_is_sealed_as_nothing(safe):
    row = safe.objects.create(organization_id=1)
    assert in_database() == [""]
    assert row.secret == ""


def test_a_secret_moved_to_another_owner_does_not_open(safe):
    safe.objects.create(organization_id=1, secret="hunter2")
    safe.objects.update(organization_id=2)
    with pytest.raises(SealBroken):
        _ = safe.objects.get().secret


def test_a_secret_without_an_owner_is_refused(safe):
    with pytest.raises(ValueError, match="owner"), transaction.atomic():
        safe.objects.create(secret="hunter2")
    assert not safe.objects.exists()


def test_a_secret_is_neither_searched_for_nor_written_past_its_row(safe):
    safe.objects.create(organization_id=1, secret="hunter2")
    with pytest.raises(TypeError, match="sealed"):
        safe.objects.filter(secret="hunter2").exists()
    with pytest.raises(TypeError, match="sealed"), transaction.atomic():
        safe.objects.update(secret="plain")
    assert safe.objects.get().secret == "hunter2"


def test_without_keys_nothing_is_kept(safe, settings):
    settings.SEALING_KEYS = ""
    with pytest.raises(ImproperlyConfigured, match="SEALING_KEYS"):
        safe.objects.create(organization_id=1, secret="hunter2")


def test_a_new_key_takes_over_every_secret(safe, settings):
    old, new = settings.SEALING_KEYS, new_key("k2")
    safe.objects.create(organization_id=1, secret="hunter2")
    safe.objects.create(organization_id=2, secret="")
    settings.SEALING_KEYS = f"{new},{old}"
    safe.objects.create(organization_id=3, secret="fresh")
    field = safe._meta.get_field("secret")
    assert sealed._reseal(field) == 1
    assert sealed._reseal(field) == 0
    settings.SEALING_KEYS = new
    assert [row.secret for row in safe.objects.order_by("pk")] == [
        "hunter2",
        "",
        "fresh",
    ]


# -- content that may be sealed ------------------------------------------------------


@pytest.fixture
def diary(db):
    """A table whose text is sealed when it is asked for."""
    with isolate_apps("portal"):

        class Diary(models.Model):
            organization_id = models.IntegerField(null=True)
            secret = SealableTextField(blank=True)

            class Meta:
                app_label = "portal"
                db_table = "test_safe"

        with connection.schema_editor() as editor:
            editor.create_model(Diary)
        yield Diary


def test_text_is_plain_unless_it_is_to_be_sealed(diary):
    diary.objects.create(organization_id=1, secret="open")
    diary.objects.create(organization_id=1, secret=ToSeal("closed"))
    plain, kept = in_database()
    assert plain == "open"
    assert "closed" not in kept
    assert [row.secret for row in diary.objects.order_by("pk")] == ["open", "closed"]
    assert diary.objects.get(secret="open").organization_id == 1


def test_text_that_looks_sealed_is_only_text(diary):
    diary.objects.create(organization_id=1, secret="\x1asealed:k1.AAAA")
    assert diary.objects.get().secret == "sealed:k1.AAAA"


def test_a_new_key_takes_over_sealed_text_and_leaves_the_rest(diary, settings):
    diary.objects.create(organization_id=1, secret="open")
    diary.objects.create(organization_id=1, secret=ToSeal("closed"))
    settings.SEALING_KEYS = f"{new_key('k2')},{settings.SEALING_KEYS}"
    field = diary._meta.get_field("secret")
    assert sealed._reseal(field) == 1
    assert sealed._reseal(field) == 0
    assert [row.secret for row in diary.objects.order_by("pk")] == ["open", "closed"]
