"""Stores on real NFS, through clients with caches of their own: a short round (`nox -s network` does long ones)."""

from __future__ import annotations

import json

import pytest
from network import crowd
from network.bed import SERVER, Bed, NotHere

ADDS = 15


@pytest.mark.parametrize(
    ("clients", "options"),
    [(("vers=4.2", "vers=4.1"), ["--kills", 2]), (("vers=4.2", "vers=3,nolock"), ["--no-locks"])],
    ids=["4.2 and 4.1", "4.2 and 3"],
)
def test_clients(clients, options):
    """Writers through two NFS clients lose nothing, and a new process sees on each what was acknowledged before."""
    bed = Bed(*clients)
    try:
        (ended,) = bed.run(crowd.command(bed.mounts, "--adds", ADDS, *options, server=SERVER), seconds=200)
    except NotHere as reason:
        pytest.skip(f"NFS: {reason}")
    assert ended.stdout, ended.stderr
    figures = json.loads(ended.stdout)
    assert crowd.flaws(figures) == {}
    assert figures["acknowledged"] >= 4 * ADDS
