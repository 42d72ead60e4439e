"""What the tests of this folder share."""

from __future__ import annotations

import pytest
from faults import children


@pytest.fixture(scope="session")
def zygote(tmp_path_factory):
    """A Python that forks children which the tests break."""
    with children.start(tmp_path_factory.mktemp("zygote")) as started:
        yield started
