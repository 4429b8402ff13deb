"""What a decision was made by, as people read it."""

from __future__ import annotations

from django import template

from campaigns import checks

register = template.Library()


@register.filter
def check_name(check: str) -> str:
    """Return the label of a check."""
    return checks.name_of(check)


@register.filter
def check_words(check: checks.Check) -> str:
    """Return what a check found."""
    return checks.words_of(check)


@register.filter
def local_times(text: str) -> str:
    """Return what clocks at a place show."""
    return checks.local_times(text)


@register.filter
def zone_source(source: str) -> str:
    """Return how a time zone is known."""
    return str(checks.ZONE_SOURCES.get(source, source))
