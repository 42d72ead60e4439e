"""Amounts, as people write them (30d, 500GB) and as arguments: how long, and how many bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from asimov.storage._display.text import shown

_DURATION = re.compile(r"(\d+(?:\.\d+)?) ?(s|m|h|d|w)").fullmatch
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGTP]i?)?B", re.IGNORECASE).fullmatch


def parse_duration(text: str) -> timedelta:
    """Read a duration: a number and s, m, h, d or w, as in ``30d``.

    Raises
    ------
    ValueError
        The text is no duration.
    """
    match = _DURATION(text.strip())
    if match is None:
        msg = f"{text!a} is no duration: give a number and s, m, h, d or w, as in 30d or 1h."
        raise ValueError(msg)
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    except OverflowError as error:
        msg = f"{text!a} is longer than any duration may be. Give at most 999999999d."
        raise ValueError(msg) from error


def parse_budget(text: str) -> timedelta | int:
    """Read a budget: a duration, as in ``1h``, or a size in bytes, as in ``500 GB`` or ``2TiB``.

    Raises
    ------
    ValueError
        The text is neither.
    """
    match = _SIZE(text.strip())
    if match is None:
        if not _DURATION(text.strip()):
            msg = f"{text!a} is no duration and no size: give one as 1h or 30d, or as 500GB or 2TiB."
            raise ValueError(msg)
        return parse_duration(text)
    prefix = (match[2] or "").upper()
    base = 1024 if prefix.endswith("I") else 1000
    return int(float(match[1]) * base ** (" KMGTP".index(prefix[0]) if prefix else 0))


def since(value: object) -> timedelta | None:
    """Return how long ago a file may have been verified; text is read as by locutus."""
    if value is None:
        return None
    found = _amount("since", value, parse_duration)
    if isinstance(found, timedelta):
        return found
    msg = f"since={shown(value)}: it takes a timedelta, or text such as '30d' or '12h'."
    raise TypeError(msg)


def budget(value: object) -> timedelta | int | None:
    """Return how long to work, or how many bytes to read; text is read as by locutus."""
    if value is None:
        return None
    found = _amount("budget", value, parse_budget)
    if isinstance(found, timedelta):
        return found
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        msg = f"budget={shown(value)}: it takes a timedelta, a number of bytes, or text such as '1h' or '500GB'."
        raise TypeError(msg)
    if not 0 <= found < float("inf"):
        msg = f"budget={shown(value)}: a number of bytes is finite and not negative."
        raise ValueError(msg)
    return int(found)


def _amount(name: str, value: object, parse: Callable[[str], object]) -> object:
    """Return a duration or a number as it is, and text as the amount that it means."""
    if isinstance(value, str):
        try:
            value = parse(value)
        except ValueError as error:
            msg = f"{name}: {error}"
            raise ValueError(msg) from None
    elif getattr(getattr(value, "dtype", None), "kind", None) in {"i", "u", "f"} and hasattr(value, "item"):
        value = value.item()  # numpy's numbers only: its times would lose their unit
    if isinstance(value, timedelta) and value < timedelta():
        msg = f"{name}={shown(value)}: a duration is not negative."
        raise ValueError(msg)
    return value
