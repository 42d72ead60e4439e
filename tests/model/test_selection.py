"""Selections: what means which records, and what is refused."""

from __future__ import annotations

import csv
import io
import json
from types import SimpleNamespace
from typing import NamedTuple
from uuid import UUID

import pandas as pd
import pytest

from asimov.storage import RecordNotFoundError, Store
from asimov.storage.cli.output import Listing, as_json

PLACES = [("S1", "Prod0", "a"), ("S1", "Prod0", "b"), ("S2", "Prod1", "a")]
NAMES = ["event", "production", "file"]


def filled(root, source):
    """Make a Store of three files whose names and bytes are the same in each."""
    store = Store.create(root, "n")
    for event, production, file in PLACES:
        store.add_file(event, production, source(file, f"{event} {production} {file}".encode()))
    return store


@pytest.fixture
def three(tmp_path, source):
    """A Store of three files."""
    return filled(tmp_path / "three", source)


@pytest.fixture
def twin(three, tmp_path, source):
    """Another Store with the same names and bytes, and so other uuids."""
    return filled(tmp_path / "twin", source)


@pytest.fixture
def forged(three, source):
    """A frame of the Store whose first row has the uuid of the record and the hash of other bytes."""
    frame = three.to_frame()
    frame.loc[0, "hash"] = "0" * 32
    return frame


class ArrowColumn:
    """A column as pyarrow has it: its items are no str until they are asked for."""

    def __init__(self, values):
        self._values = values

    def __iter__(self):
        return iter([object()] * len(self._values))

    def to_pylist(self):
        return list(self._values)


class ArrowTable:
    """A table as pyarrow has it: ``columns`` are the values, ``column_names`` their names."""

    def __init__(self, frame):
        self.column_names = list(frame.columns)
        self.columns = [ArrowColumn(frame[name]) for name in frame.columns]

    def __getitem__(self, name):
        return self.columns[self.column_names.index(name)]


class PolarsTable:
    """A table as polars has it: no index, and columns with ``to_list``."""

    def __init__(self, frame):
        self._frame, self.columns = frame, list(frame.columns)

    def __getitem__(self, name):
        return SimpleNamespace(to_list=self._frame[name].tolist)


FORMS = {
    "frame": lambda frame: frame,
    "columns in another order": lambda frame: frame[frame.columns[::-1]],
    "index": lambda frame: frame.set_index(NAMES),
    "index in another order": lambda frame: frame.set_index(NAMES[::-1]),
    "index of one": lambda frame: frame.set_index("file"),
    "iterrows": lambda frame: frame.iterrows(),
    "itertuples": lambda frame: frame.itertuples(),
    "itertuples without an index": lambda frame: frame[frame.columns[::-1]].itertuples(index=False),
    "dicts": lambda frame: frame.to_dict("records"),
    "Series": lambda frame: [frame.iloc[number] for number in range(len(frame))],
    "structured array": lambda frame: frame.to_records(index=False),
    "records of an array": lambda frame: list(frame.to_records(index=False)),
    "objects": lambda frame: [SimpleNamespace(**row) for row in frame.to_dict("records")],
    "csv": lambda frame: csv.DictReader(io.StringIO(frame.to_csv(index=False))),
    "enumerated": lambda frame: enumerate(frame.to_dict("records")),
    "categories": lambda frame: frame.astype("category"),
    "pyarrow": ArrowTable,
    "polars": PolarsTable,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_rows_are_read_by_name(three, form):
    """Rows of every kind that has names mean the records of those names, in their order."""
    frame = three.to_frame().iloc[::-1]
    assert three.fetch_files(form(frame)) == [three.fetch_file(*place) for place in PLACES[::-1]]
    assert [check.key for check in three.verify(selection=form(frame)).results] == PLACES


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_rows_of_another_store_are_refused(three, twin, form):
    """Rows that carry the uuid of another Store's record are refused, though names and bytes are the same."""
    with pytest.raises(RecordNotFoundError, match="uuid"):
        three.fetch_files(form(twin.to_frame()))
    with pytest.raises(RecordNotFoundError, match="uuid"):
        three.verify(selection=form(twin.to_frame()))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_rows_of_another_time_are_refused(three, forged, form):
    """Rows that carry another hash than is recorded are refused, whatever their uuid."""
    for frame in (forged, forged.drop(columns="uuid")):
        with pytest.raises(RecordNotFoundError, match="hash"):
            three.fetch_files(form(frame))
        with pytest.raises(RecordNotFoundError, match="hash"):
            three.verify(selection=form(frame))


ONE = {
    "dict": lambda frame: frame.to_dict("records")[1],
    "Series": lambda frame: frame.iloc[1],
    "named tuple": lambda frame: list(frame.itertuples())[1],
    "pair": lambda frame: list(frame.iterrows())[1],
    "record of an array": lambda frame: frame.to_records(index=False)[1],
    "tuple": lambda frame: tuple(frame.loc[1, NAMES]),
    "object": lambda frame: SimpleNamespace(**frame.to_dict("records")[1]),
}


@pytest.mark.parametrize("one", ONE.values(), ids=ONE)
def test_one_row_is_a_selection(three, one):
    """A single row is a selection of one file, as a single Record is."""
    selected = one(three.to_frame())
    assert three.fetch_files(selected) == [three.fetch_file(*PLACES[1])]
    assert [check.key for check in three.verify(selection=selected).results] == [PLACES[1]]


def test_what_the_store_itself_gives_is_a_selection(three, twin):
    """Records, Checks, a report's frame and locutus' JSON select their own Store's files, and no other's."""
    report, other = three.verify(), twin.verify()
    for own, others in [
        (list(three), list(twin)),
        (three, twin),
        (report.results, other.results),
        (report.to_frame(), other.to_frame()),
        (json.loads(as_json(Listing(records=[*three]))), json.loads(as_json(Listing(records=[*twin])))),
    ]:
        assert len(three.fetch_files(own)) == 3
        with pytest.raises(RecordNotFoundError):
            three.fetch_files(others)


def test_two_rows_in_a_tuple_are_two(three):
    """A tuple of two Records, or of a key and a Record, means both."""
    first, second, _ = three
    assert len(three.fetch_files((first, second))) == 2
    assert len(three.fetch_files((first.key, second))) == 2


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NA, pd.NaT])
def test_an_empty_cell_is_not_given(three, nothing):
    """None, NaN, NA and NaT in uuid, hash or sha256 say nothing of the record."""
    rows = [
        {**dict(zip(NAMES, place, strict=True)), "uuid": nothing, "hash": nothing, "sha256": nothing}
        for place in PLACES
    ]
    assert len(three.fetch_files(rows)) == 3


@pytest.mark.parametrize("spelled", [str, str.upper, lambda u: str(UUID(u)), lambda u: UUID(u).urn, UUID])
def test_a_uuid_in_any_form_is_the_record_s(three, spelled):
    """The uuid of a row may be spelled in hex, dashed or as a URN, or be a uuid.UUID."""
    record = three[PLACES[0]]
    row = dict(zip(NAMES, record.key, strict=True))
    assert three.fetch_files({**row, "uuid": spelled(record.uuid)}) == [three.fetch_file(*record.key)]
    with pytest.raises(RecordNotFoundError):
        three.fetch_files({**row, "uuid": spelled("0" * 32)})


@pytest.mark.parametrize("spelled", [str, str.upper, "md5:{}".format, " {}\n".format])
def test_a_hash_in_any_letter_case_is_the_record_s(three, spelled):
    """The hash of a row may be in any letter case, with md5: before it and blanks around it."""
    record = three[PLACES[0]]
    row = dict(zip(NAMES, record.key, strict=True))
    assert three.fetch_files({**row, "hash": spelled(record.hash)}) == [three.fetch_file(*record.key)]
    with pytest.raises(RecordNotFoundError):
        three.fetch_files({**row, "hash": spelled("0" * 32)})


@pytest.mark.parametrize("given", [{"uuid": ""}, {"uuid": "x"}, {"hash": ""}, {"hash": "abc"}, {"hash": 3}])
def test_what_can_be_no_identity_is_refused(three, given):
    """A uuid or hash that can be none is another one than the record's."""
    with pytest.raises(RecordNotFoundError):
        three.fetch_files({**dict(zip(NAMES, PLACES[0], strict=True)), **given})


def test_a_sha256_is_compared(tmp_path, source, three):
    """A SHA-256 that a row carries is compared with the record's; where none is recorded, it is refused."""
    strong = Store.create(tmp_path / "strong", "n", sha256=True)
    strong.add_file("S1", "Prod0", source("a", b"S1 Prod0 a"))
    (record,) = strong
    row = dict(zip(NAMES, record.key, strict=True))
    assert len(strong.fetch_files({**row, "sha256": record.sha256.upper()})) == 1
    with pytest.raises(RecordNotFoundError, match="sha256"):
        strong.fetch_files({**row, "sha256": "0" * 64})
    with pytest.raises(RecordNotFoundError, match="sha256"):
        three.fetch_files({**row, "sha256": record.sha256})


def doubled(frame):
    """Let a frame have two columns called event, of which the second is wrong."""
    return pd.concat([frame, frame[["event"]].replace("S1", "S2")], axis=1)


class OtherNames(NamedTuple):
    """A named tuple that calls things otherwise."""

    ev: str
    prod: str
    name: str


class Interchanged:
    """A table that has nothing but the interchange protocol, which pandas has given up."""

    def __dataframe__(self):
        raise AssertionError


class Lazy:
    """A table as polars' LazyFrame is one: it knows its columns, and has no values yet."""

    columns = NAMES

    def __getitem__(self, name):
        msg = "LazyFrame is not subscriptable\n\nUse `select()` instead."
        raise TypeError(msg)


REFUSED = {
    "two columns of one name": doubled,
    "a Series with two of one name": lambda frame: doubled(frame).iloc[0],
    "no column file": lambda frame: frame.drop(columns="file"),
    "a dict without a file": lambda _: {"event": "S1", "production": "Prod0"},
    "a dict of lists": lambda frame: frame.to_dict("list"),
    "a named tuple of other names": lambda _: [OtherNames(*PLACES[0])],
    "rows whose names are in their index": lambda frame: frame.set_index(NAMES).iterrows(),
    "a Series without names": lambda _: [pd.Series(PLACES[0])],
    "a column": lambda frame: frame["file"],
    "a set of names": lambda _: [set(PLACES[0])],
    "a list of names": lambda _: list(PLACES[0]),
    "the interchange protocol alone": lambda _: Interchanged(),
    "a table without values": lambda _: Lazy(),
    "no table": lambda _: SimpleNamespace(columns=["event"], __getitem__=None),
}


@pytest.mark.parametrize("wrong", REFUSED.values(), ids=REFUSED)
def test_what_means_no_record_is_refused(three, wrong):
    """What could be read in two ways, or in none, is refused in one line, and nothing is guessed."""
    with pytest.raises((TypeError, ValueError)) as caught:
        three.fetch_files(wrong(three.to_frame()))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("make", [doubled, lambda frame: doubled(frame).iloc[0]], ids=["frame", "Series"])
def test_two_columns_of_one_name_are_said(three, make):
    """The message about two columns of one name says which."""
    with pytest.raises(TypeError, match="several columns 'event'"):
        three.fetch_files(make(three.to_frame()))


def test_records_are_in_the_store(three, twin):
    """Each Record that iteration gives is in the Store and its Manifest, and none of another Store's is."""
    assert all(record in three and record in three.manifest for record in three)
    assert not any(record in three or record in three.manifest for record in twin)


def test_rows_keys_and_uuids_are_in_the_store(three, twin):
    """A key is in the Store if the name is recorded, a row and a uuid only if it is the record's."""
    record, other = three[PLACES[0]], twin[PLACES[0]]
    assert PLACES[0] in three
    assert (SimpleNamespace(name="S1"), "Prod0", "a") in three
    assert three.to_frame().iloc[0] in three
    assert twin.to_frame().iloc[0] not in three
    assert three.verify().results[0] in three
    for spelled in (str, lambda u: str(UUID(u)), UUID):
        assert spelled(record.uuid) in three
        assert spelled(other.uuid) not in three


@pytest.mark.parametrize("other", [None, 3, "S1", "", ("S1", "Prod0"), ("S1", "Prod0", "z"), ("..", "a", "b"), [], {}])
def test_what_is_no_record_is_not_in_the_store(three, other):
    """What names no record is not in the Store; asking raises nothing."""
    assert other not in three
    assert other not in three.manifest
