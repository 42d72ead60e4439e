from __future__ import annotations

import pytest

from asimov.storage import RecordNotFoundError
from asimov.storage.cli import reading


def test_columns_are_those_of_the_records(filled):
    """Columns hold each record's event, production, file, hash and uuid, in one order."""
    expected = [(*record.key, record.hash, record.uuid) for record in filled]
    assert list(zip(*reading.columns(filled), strict=True)) == expected


def test_records_are_those_below(filled):
    """Records are all, those of an event, or of a production; of what isn't there, an error."""
    everything = list(filled)
    event, production, _ = everything[0].key
    assert reading.records(filled, None, None) == everything
    assert reading.records(filled, event, None) == [r for r in everything if r.event == event]
    assert reading.records(filled, event, production) == [r for r in everything if r.key[:2] == (event, production)]
    with pytest.raises(RecordNotFoundError):
        reading.records(filled, "nothing", None)


def test_sizes_and_paths_are_those_of_the_files(filled):
    """Sizes are in bytes in the order of the records, None where a file is missing; a path is told all the same."""
    everything = list(filled)
    paths = [reading.path(filled, record) for record in everything]
    assert paths == [filled.fetch_file(*record.key) for record in everything]
    sizes = [path.stat().st_size for path in paths]
    assert reading.sizes(filled) == sizes
    paths[0].unlink()
    assert reading.sizes(filled, everything[:2]) == [None, sizes[1]]
    assert reading.path(filled, everything[0]) == paths[0]
