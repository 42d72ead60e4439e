from __future__ import annotations

from datetime import timedelta

import pytest

from asimov.storage._operations.amounts import parse_budget, parse_duration

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("30d", 30 * DAY), ("1h", timedelta(hours=1)), ("90 m", timedelta(minutes=90)), ("2w", 14 * DAY)],
)
def test_durations(text, expected):
    """A duration is a number and a unit."""
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500 GB", 500 * 10**9), ("2TiB", 2 * 2**40), ("7B", 7), ("1.5kB", 1500), ("1h", timedelta(hours=1))],
)
def test_budgets(text, expected):
    """A budget is a size in bytes or a duration."""
    assert parse_budget(text) == expected


@pytest.mark.parametrize("text", ["", "d", "30", "30 years", "-1d", "1,5h"])
def test_no_duration(text):
    """What is no duration is refused in words."""
    with pytest.raises(ValueError, match="no duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "GB", "500", "500 GiBs", "-1GB", "1,5GB"])
def test_no_budget(text):
    """What is neither a duration nor a size is refused in words that name both."""
    with pytest.raises(ValueError, match="no duration and no size"):
        parse_budget(text)


def test_a_duration_beyond_all_reckoning():
    """A duration that no timedelta holds is refused in words."""
    with pytest.raises(ValueError, match="longer than any duration"):
        parse_duration("9" * 20 + "w")
