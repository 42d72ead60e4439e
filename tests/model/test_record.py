"""Record, Check and VerificationReport as values."""

from __future__ import annotations

import dataclasses
import pickle

import pytest
from damage import flip_bit

from asimov.storage import Check, HashError, Record, Status, VerificationReport
from asimov.storage._model.record import as_dict, identity

FIELDS = {"event": "S1", "production": "Prod0", "file": "f", "hash": "0" * 32, "uuid": "1" * 32}


def check(tmp_path, **changes):
    """Make a Check as verification would."""
    given = {**FIELDS, "status": Status.OK, "actual": "0" * 32, "path": tmp_path / "f", "size": 3, **changes}
    return Check(**given)


def test_record_is_a_value():
    """Two Records of the same contents are equal and hash alike, and neither can be changed."""
    record = Record(**FIELDS)
    assert record == Record(**FIELDS)
    assert len({record, Record(**FIELDS)}) == 1
    assert record.key == ("S1", "Prod0", "f")
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.hash = "2" * 32


def test_record_takes_keywords_only():
    """Nobody can swap hash and uuid by their order."""
    with pytest.raises(TypeError):
        Record("S1", "Prod0", "f", "0" * 32, "1" * 32)


def test_record_pickles():
    """A Record crosses to another process as it is."""
    record = Record(**FIELDS)
    assert pickle.loads(pickle.dumps(record)) == record


def test_store_gives_records(store, source):
    """Iterating over a Store, over its manifest and looking a key up give the same Records."""
    added = store.add_file("S1", "Prod0", source())
    expected = Record(event="S1", production="Prod0", file="result.txt", hash=added["hash"], uuid=added["uuid"])
    assert [*store] == [*store.manifest] == [store["S1", "Prod0", "result.txt"]] == [expected]
    assert (expected.sha256, expected.size) == (None, None)


def test_report_counts(tmp_path):
    """A report counts all four statuses, those that did not occur too."""
    statuses = [Status.OK, Status.OK, Status.CORRUPT, Status.MISSING]
    report = VerificationReport(root=tmp_path, results=tuple(check(tmp_path, status=status) for status in statuses))
    assert not report.ok
    assert report.counts == {"ok": 2, "corrupt": 1, "missing": 1, "unreadable": 0, "retracted": 0}
    assert [failure.status for failure in report.failures] == ["corrupt", "missing"]


def test_an_empty_report_is_ok(tmp_path):
    """Where nothing was to be verified nothing failed."""
    report = VerificationReport(root=tmp_path, results=())
    report.raise_for_failures()
    assert report.ok
    assert report.failures == ()


def test_untracked_files_are_no_failure(tmp_path):
    """Untracked files are told of and do not make a report a failure."""
    report = VerificationReport(root=tmp_path, results=(check(tmp_path),), untracked=(tmp_path / "x",))
    report.raise_for_failures()
    assert report.ok


def test_raise_for_failures(store, stored, source):
    """raise_for_failures raises a HashError that names the first failure and how many there are."""
    store.add_file("S2", "Prod0", source("b", b"b"))
    flip_bit(stored)
    store.fetch_file("S2", "Prod0", "b").unlink()
    report = store.verify()
    with pytest.raises(HashError, match="2 of 2") as caught:
        report.raise_for_failures()
    assert (caught.value.path, caught.value.expected) == (stored, store["S1", "Prod0", "result.txt"].hash)
    assert caught.value.actual == report.failures[0].actual


def test_report_pickles(store, stored):
    """A report crosses to another process as it is."""
    flip_bit(stored)
    report = store.verify()
    assert pickle.loads(pickle.dumps(report)) == report


def test_reprs_read_no_file(store, stored):
    """The reprs of a Store, its manifest, a Record and a report are one line, also when the Store is gone."""
    import shutil

    shown = [store, store.manifest, store["S1", "Prod0", "result.txt"], store.verify()]
    shutil.rmtree(store.root)
    for item in shown:
        assert repr(item)
        assert "\n" not in repr(item)


def test_a_record_as_a_dict(store, stored):
    """A record as a dict is what add_file returned: names, hash and uuid, in that order; its identity the last two."""
    record = store["S1", "Prod0", "result.txt"]
    expected = {"event": "S1", "production": "Prod0", "file": "result.txt", "hash": record.hash, "uuid": record.uuid}
    assert list(as_dict(record).items()) == list(expected.items())
    assert identity(record) == {"hash": record.hash, "uuid": record.uuid}
