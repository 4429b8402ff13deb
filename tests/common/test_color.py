"""Colours: conversion, contrast, and accents that can be read whatever was chosen."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from common.color import (
    BLACK,
    TEXT_RATIO,
    WHITE,
    Oklch,
    contrast,
    from_oklch,
    luminance,
    mix,
    on_color,
    readable_accent,
    to_oklch,
)

colors = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def channels(color: str) -> list[int]:
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def test_black_on_white_has_the_highest_contrast():
    assert contrast(BLACK, WHITE) == pytest.approx(21)


def test_known_ratios_of_the_guideline():
    assert contrast("#777777", WHITE) == pytest.approx(4.48, abs=0.01)
    assert contrast("#767676", WHITE) == pytest.approx(4.54, abs=0.01)
    assert luminance("#ff0000") == pytest.approx(0.2126, abs=1e-4)


@pytest.mark.parametrize("text", ["", "red", "#fff", "3b82f6", "#3b82fg", "#3b82f6;x"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(ValueError, match="not a colour"):
        luminance(text)


def test_oklch_of_a_known_colour():
    red = to_oklch("#ff0000")
    assert red.lightness == pytest.approx(0.628, abs=1e-3)
    assert red.chroma == pytest.approx(0.2577, abs=1e-3)
    assert red.hue_deg == pytest.approx(29.23, abs=0.05)


def test_a_grey_has_no_hue():
    assert to_oklch("#808080")[1:] == (0.0, 0.0)


@given(colors)
def test_a_colour_survives_the_way_to_oklch_and_back(color):
    back = channels(from_oklch(to_oklch(color)))
    assert all(abs(a - b) <= 1 for a, b in zip(channels(color), back, strict=True))


def test_a_colour_no_screen_has_loses_chroma_and_keeps_lightness():
    wanted = Oklch(0.7, 0.5, 150)
    got = to_oklch(from_oklch(wanted))
    assert got.chroma < 0.3
    assert got.lightness == pytest.approx(0.7, abs=0.01)
    assert got.hue_deg == pytest.approx(150, abs=2)


@pytest.mark.parametrize(("lightness", "end"), [(-1, BLACK), (2, WHITE)])
def test_lightness_beyond_the_scale_is_its_end(lightness, end):
    assert from_oklch(Oklch(lightness, 0, 0)) == end


@given(colors, colors)
def test_mixing_all_or_nothing_gives_one_of_the_two(one, other):
    for share, whole in ((1, one), (0, other)):
        mixed = channels(mix(one, other, share))
        assert all(abs(a - b) <= 1 for a, b in zip(mixed, channels(whole), strict=True))


@given(colors)
def test_text_on_any_colour_is_readable(color):
    assert contrast(on_color(color), color) >= TEXT_RATIO


def test_white_is_kept_where_it_is_readable():
    assert on_color("#3b5bdb") == WHITE
    assert on_color("#ffe600") == BLACK


@given(colors, colors)
def test_any_accent_becomes_readable_on_any_background(color, background):
    assert contrast(readable_accent(color, background), background) >= TEXT_RATIO


@given(colors, colors)
def test_a_readable_accent_is_left_alone(color, background):
    if contrast(color, background) >= TEXT_RATIO:
        assert readable_accent(color.upper(), background) == color


def test_a_nudged_accent_keeps_its_hue():
    before = to_oklch("#ffb400")
    after = to_oklch(readable_accent("#ffb400", WHITE))
    assert after.hue_deg == pytest.approx(before.hue_deg, abs=3)
    assert after.lightness < before.lightness


def test_an_accent_moves_away_from_a_dark_background():
    assert luminance(readable_accent("#101080", "#14161a")) > luminance("#101080")


def test_an_accent_darker_than_a_middle_grey_turns_around_where_black_is_no_help():
    assert luminance(readable_accent("#000000", "#404040")) > luminance("#404040")


def test_a_grey_background_can_force_plain_black():
    assert readable_accent("#757575", "#757575", 4.6) in (BLACK, WHITE)


def test_a_ratio_nobody_reaches_is_refused():
    with pytest.raises(ValueError, match="Nothing reaches"):
        readable_accent("#808080", "#808080", 15)
