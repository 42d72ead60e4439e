"""Rotation: the files to verify now, so that a job with one hour per night covers the whole Store in time."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from asimov.storage._model.record import Record

_AHEAD = 86_400
"""How many seconds a time may be ahead of this clock. A later one comes from a wrong clock, and is ignored."""


class Rotation(NamedTuple):
    """The limits of one verification: skip files verified within `since`, and stop after `budget`."""

    since: timedelta | None = None
    budget: timedelta | int | None = None


def due(
    records: Iterable[tuple[Record, int]], times: Mapping[str, int], since: timedelta | None
) -> list[tuple[Record, int]]:
    """Return those of `records` that were not verified within `since`, those that wait longest first."""
    now = time.time()
    limit = now - since.total_seconds() if since is not None else float("inf")

    def last(pair: tuple[Record, int]) -> int:
        seconds = times.get(pair[0].uuid, 0)
        return seconds if seconds <= now + _AHEAD else 0

    return sorted((pair for pair in records if last(pair) <= limit), key=last)


def within_bytes(records: Iterable[tuple[Record, int]], budget: int) -> list[tuple[Record, int]]:
    """Return the first of `records` that have no more than `budget` bytes together, but at least one."""
    taken: list[tuple[Record, int]] = []
    for record, size in records:
        budget -= size
        if budget < 0 and taken:
            break
        taken.append((record, size))
    return taken
