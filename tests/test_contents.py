"""Contents, as the core keeps them in memory."""

from asimov.storage import Record
from asimov.storage._contents import Contents


def record(number):
    """Make the record of a file."""
    return Record(event="e", production="p", file=f"{number:04}", hash=f"{number:032x}", uuid=f"{number + 4096:032x}")


def test_hashes_are_found_however_often_it_grew():
    """A hash is found at its index in what has its record, and not in what that was made from, from the first on."""
    grown = [Contents(name="x")]
    for number in range(1, 50):
        assert grown[-1].find_hash(record(number).hash) is None
        grown.append(grown[-1].with_records([record(number)]))
    for size, contents in enumerate(grown):
        for number in range(1, 50):
            found = contents.find_hash(record(number).hash)
            assert found == (number - 1 if number <= size else None)


def test_hashes_are_found_after_many_came_at_once():
    """So are those of a batch."""
    contents = Contents(name="x").with_records([record(1)])
    assert [contents.find_hash(record(number).hash) for number in (1, 2)] == [0, None]
    contents = contents.with_records([record(number) for number in range(2, 200)])
    assert [contents.find_hash(record(number).hash) for number in (1, 2, 199, 200)] == [0, 1, 198, None]
