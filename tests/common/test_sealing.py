"""A sealed value opens with its key, in its place, and nowhere else."""

import base64

import pytest

from common.sealing import KeyRing, SealBroken, new_key

RING = KeyRing.parse(new_key("k1"))


def test_a_value_opens_in_the_place_it_was_sealed_for():
    sealed = RING.seal("geheim ✓", "trunk.password:1")
    assert RING.unseal(sealed, "trunk.password:1") == "geheim ✓"
    assert "geheim" not in sealed


def test_the_same_value_is_never_sealed_the_same():
    assert RING.seal("x", "a") != RING.seal("x", "a")


def test_a_value_moved_to_another_owner_does_not_open():
    sealed = RING.seal("secret", "trunk.password:1")
    with pytest.raises(SealBroken):
        RING.unseal(sealed, "trunk.password:2")


@pytest.mark.parametrize(
    "sealed", ["", "k1", "k1.", "k1.AAAA", "k1.é", "k1.not base64"]
)
def test_what_nobody_sealed_does_not_open(sealed):
    with pytest.raises(SealBroken):
        RING.unseal(sealed, "a")


def test_a_changed_byte_does_not_open():
    sealed = RING.seal("secret", "a")
    data = bytearray(base64.b64decode(sealed.partition(".")[2]))
    data[-1] ^= 1
    with pytest.raises(SealBroken):
        RING.unseal(f"k1.{base64.b64encode(data).decode()}", "a")


def test_the_first_key_seals_and_older_ones_still_open():
    old, new = new_key("k1"), new_key("k2")
    sealed = KeyRing.parse(old).seal("secret", "a")
    ring = KeyRing.parse(f"{new}, {old}")
    assert ring.unseal(sealed, "a") == "secret"
    assert not ring.is_current(sealed)
    assert ring.seal("secret", "a").startswith("k2.")


def test_a_key_that_is_gone_is_named():
    sealed = RING.seal("secret", "a")
    with pytest.raises(SealBroken, match="'k1'"):
        KeyRing.parse(new_key("k9")).unseal(sealed, "a")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "name"),
        ("k1:***", "base64"),
        ("k1:c2hvcnQ=", "5 bytes"),
        ("K 1:" + "A" * 43 + "=", "name"),
        ("k1:" + "A" * 43 + "=,k1:" + "A" * 43 + "=", "Two keys"),
    ],
)
def test_nonsense_instead_of_keys_is_refused(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        KeyRing.parse(text)


def test_a_ring_shows_no_key():
    assert "AES" not in repr(RING)
