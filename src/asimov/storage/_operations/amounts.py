"""Amounts as people write them: durations (30d) and sizes (500GB)."""

from __future__ import annotations

import re
from datetime import timedelta

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
