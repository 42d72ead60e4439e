"""Contents, as the core keeps them in memory."""

from hypothesis import given
from hypothesis import strategies as st

from asimov.storage import Record
from asimov.storage._format import canonical_writer
from asimov.storage._model.snapshot import Contents


def record(number):
    """Make the record of a file."""
    return Record(event="e", production="p", file=f"{number:04}", hash=f"{number:032x}", uuid=f"{number + 4096:032x}")


def test_hashes_are_found_however_often_it_grew():
    """A hash is found in what has its record, and not in what that was made from, from the first on."""
    grown = [Contents(name="x")]
    for number in range(1, 50):
        assert grown[-1].by_hash(record(number).hash) is None
        grown.append(grown[-1].with_records([record(number)]))
    for size, contents in enumerate(grown):
        for number in range(1, 50):
            expected = record(number) if number <= size else None
            assert contents.by_hash(record(number).hash) == expected
            assert contents.by_uuid(record(number).uuid) == expected
            assert contents.get(record(number).key) == expected


def test_hashes_are_found_after_many_came_at_once():
    """So are those of a batch."""
    contents = Contents(name="x").with_records([record(1)])
    assert [contents.by_hash(record(number).hash) for number in (1, 2)] == [record(1), None]
    contents = contents.with_records([record(number) for number in range(2, 200)])
    found = [contents.by_hash(record(number).hash) for number in (1, 2, 199, 200)]
    assert found == [record(1), record(2), record(199), None]


def test_what_was_added_is_read_as_what_was_there():
    """However records came to contents, one by one or many at once, all that they tell is the same."""
    records = [
        Record(event=f"e{n % 5}", production=f"p{n % 3}", file=f"{n}", hash=f"{n:032x}", uuid=f"{n + 4096:032x}")
        for n in range(400)
    ]
    whole = Contents(name="x").with_records(records)
    grown = Contents(name="x").with_records(records[:100])
    for start in range(100, 400, 7):
        grown = grown.with_records(records[start : start + 7])
        if start % 2:
            canonical_writer.write(grown)
    assert (list(grown), len(grown)) == (list(whole), len(whole)) == (sorted(records, key=lambda r: r.key), 400)
    for one in (*records, record(1)):
        assert (grown.before(one.key), grown.after(one.key)) == (whole.before(one.key), whole.after(one.key))
        assert grown.first(one.event, one.production) in (None, *whole)
        assert grown.has(one.event, one.production) == whole.has(one.event, one.production)
    assert bytes(canonical_writer.write(grown)) == bytes(canonical_writer.write(whole))


@given(st.lists(st.lists(st.integers(0, 200), max_size=12), min_size=1, max_size=12), st.booleans())
def test_records_are_spliced_where_they_belong(batches, written):
    """Text into which records were put, in whatever order they came, is the text of them all."""
    made = {
        n: Record(event=f"e{n % 4}", production=f"p{n % 7}", file=f"f{n}", hash=f"{n:032x}", uuid=f"{n:032x}")
        for batch in batches
        for n in batch
    }
    grown = Contents(name="x").with_records([record(0)])
    canonical_writer.write(grown)
    for batch in batches:
        grown = grown.with_records([made[n] for n in dict.fromkeys(batch) if grown.get(made[n].key) is None])
        if written:
            canonical_writer.write(grown)
    whole = Contents(name="x").with_records([record(0), *made.values()])
    assert bytes(canonical_writer.write(grown)) == bytes(canonical_writer.write(whole))
