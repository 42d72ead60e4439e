"""The manifest reader: whatever is in the file, a ManifestError or a right reading."""

from __future__ import annotations

from collections import Counter

from faults.profile import LONG, choose, note
from fuzz import manifests
from fuzz.oracle import check
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = choose(300, 5000)
PROFILE = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)


def agree_on(strategy: st.SearchStrategy[bytes], name: str) -> Counter:
    """Compare our reading with PyYAML's on what a strategy gives; count the ways that it went."""
    ways = Counter()

    @PROFILE
    @given(strategy)
    def agree(data: bytes) -> None:
        ways[check(data)] += 1

    agree()
    note("fuzz", strategy=name, **ways)
    return ways


def test_any_style():
    """Manifests in every style that PyYAML writes are read as PyYAML reads them, and written again so that it can."""
    assert agree_on(manifests.dumped(), "dumped")["read"] > EXAMPLES / 4


def test_our_style():
    """The same for manifests as we write them, which are read by other means."""
    assert agree_on(manifests.written(), "written")["read"] > EXAMPLES / 4


def test_almost():
    """Of manifests in which something was changed, those that the contract allows are read, the others refused."""
    ways = agree_on(manifests.mutated(), "mutated")
    assert min(ways[way] for way in ("read", "refused by the contract", "refused by PyYAML")) > EXAMPLES / 100


def test_anything():
    """Bytes of any kind are no manifest, and say so."""
    assert agree_on(manifests.soup(), "soup")["read"] < EXAMPLES
