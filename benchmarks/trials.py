"""How figures are taken: contestants in turn, several rounds, medians, and ratios of what was measured in one round."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .environments import JobError

Trial = Callable[[int], dict[str, Any]]


class VoidError(Exception):
    """The work wasn't really done, so its figure doesn't count; the message says what was amiss."""


@dataclass(kw_only=True)
class Race:
    """What a race found.

    Attributes
    ----------
    results : dict
        For each contestant what its trials returned, one for each round.
    void : dict
        For each contestant whose figure doesn't count, why.
    """

    results: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    void: dict[str, str] = field(default_factory=dict)

    def values(self, name: str, key: str = "seconds") -> list[float]:
        """Return one number of a contestant, one for each round."""
        return [result[key] for result in self.results.get(name, [])]

    def median(self, name: str, key: str = "seconds") -> float | None:
        """Return the median of that number, or None where the contestant has none."""
        found = self.values(name, key)
        return statistics.median(found) if found and name not in self.void else None

    def ratios(self, name: str, *beside: str) -> list[float]:
        """Return, for each round, its seconds over those of the slowest of `beside`."""
        others = zip(*(self.values(other) for other in beside), strict=True)
        return [mine / max(other) for mine, other in zip(self.values(name), others, strict=False)]

    def medians(self) -> dict[str, float]:
        """Return the median seconds of every contestant that has some."""
        found = {name: self.median(name) for name in self.results}
        return {name: seconds for name, seconds in found.items() if seconds is not None}


def race(
    trials: Mapping[str, Trial],
    rounds: int,
    *,
    once: frozenset[str] = frozenset(),
    compared: Collection[str] = (),
    further: int = 0,
) -> Race:
    """Run every trial once in each round, beginning with another one each time.

    Parameters
    ----------
    trials : mapping of str to callable
        Each is called with the number of the round, prepares what it needs, does the work, looks at whether it was
        done (`VoidError`), and returns at least ``{"seconds": ...}``.
    rounds : int
        How many rounds.
    once : frozenset of str
        Those that are too slow for more than the first round.
    compared : collection of str
        Those whose ratio is what matters, and which run `further` rounds more: what a machine's other guests take
        changes from second to second.
    """
    found = Race(results={name: [] for name in trials})
    for number in range(rounds + further):
        names = [name for name in trials if number < rounds or name in compared]
        first = number % len(names) if names else 0
        for name in names[first:] + names[:first]:
            if name in found.void or (number and name in once):
                continue
            try:
                found.results[name].append(trials[name](number))
            except (VoidError, JobError) as error:
                found.void[name] = str(error)
                print(f"  void: {name}: {error}", file=sys.stderr)
    return found


def expect(done: Mapping[str, Any], hashes: list[str]) -> None:
    """Void a figure unless the stored files have just these MD5s."""
    if sorted(done["hashes"]) != sorted(hashes):
        raise VoidError("what was stored isn't what was given")
