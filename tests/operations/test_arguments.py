"""Wrong arguments are refused at the door, in words, and never become a verdict on files or another meaning."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tqdm.auto
from damage import contents, keys, md5

from asimov.storage import HashError, InvalidNameError, Manifest, StorageError, Store
from asimov.storage.frame import records_to_frame, report_to_frame, store_to_frame

PLACE = ("S1", "Prod0", "result.txt")
DIGEST = md5(b"a result")


class Client:
    """What of a dask client one might hand over instead of its executor."""

    submit = map = get_executor = print


def shut_down():
    """Make an executor that takes no work any more."""
    with ThreadPoolExecutor(1) as executor:
        return executor


WRONG = {
    "Store(3)": lambda _: Store(3),
    "Store('')": lambda _: Store(""),
    "Store(Store)": Store,
    "create(3)": lambda _: Store.create(3, "n"),
    "create('')": lambda _: Store.create("", "n"),
    "create(sha256='yes')": lambda store: Store.create(store.root / "new", "n", sha256="yes"),
    "create(sha256=1)": lambda store: Store.create(store.root / "new", "n", sha256=1),
    "repair(3)": lambda _: Store.repair(3),
    "repair(dry_run='no')": lambda store: Store.repair(store.root, dry_run="no"),
    "repair(dry_run=None)": lambda store: Store.repair(store.root, dry_run=None),
    "to_frame('S1')": lambda store: store.to_frame("S1"),
    "to_frame(1)": lambda store: store.to_frame(1),
    "to_frame(frame)": lambda store: store.to_frame(store.to_frame()),
    "verify(executor=4)": lambda store: store.verify(executor=4),
    "verify(executor='processes')": lambda store: store.verify(executor="processes"),
    "verify(executor=class)": lambda store: store.verify(executor=ThreadPoolExecutor),
    "verify(executor=client)": lambda store: store.verify(executor=Client()),
    "verify(executor=shut down)": lambda store: store.verify(executor=shut_down()),
    "verify(since=30)": lambda store: store.verify(since=30),
    "verify(since='500GB')": lambda store: store.verify(since="500GB"),
    "verify(since='soon')": lambda store: store.verify(since="soon"),
    "verify(since=-1 day)": lambda store: store.verify(since=timedelta(days=-1)),
    "verify(since=NaT)": lambda store: store.verify(since=pd.NaT),
    "verify(since=numpy's)": lambda store: store.verify(since=np.timedelta64(30, "D")),
    "verify(since=too long)": lambda store: store.verify(since="99999999999d"),
    "verify(budget='a lot')": lambda store: store.verify(budget="a lot"),
    "verify(budget=-1)": lambda store: store.verify(budget=-1),
    "verify(budget=nan)": lambda store: store.verify(budget=float("nan")),
    "verify(budget=inf)": lambda store: store.verify(budget=float("inf")),
    "verify(budget=True)": lambda store: store.verify(budget=True),
    "verify(budget=numpy's)": lambda store: store.verify(budget=np.timedelta64(1, "h")),
    "verify(budget=[])": lambda store: store.verify(budget=[1]),
    "verify(fingerprint='')": lambda store: store.verify(fingerprint=""),
    "verify(fingerprint=short)": lambda store: store.verify(fingerprint=store.fingerprint()[:12]),
    "verify(fingerprint=method)": lambda store: store.verify(fingerprint=store.fingerprint),
    "verify(progress='yes')": lambda store: store.verify(progress="yes"),
    "verify(progress=1)": lambda store: store.verify(progress=1),
    "verify(Record)": lambda store: store.verify(store[PLACE]),
    "verify(frame)": lambda store: store.verify(store.to_frame()),
    "verify(None, 'Prod0')": lambda store: store.verify(None, "Prod0"),
    "fetch_file(progress=class)": lambda store: store.fetch_file(*PLACE, progress=complex),
    "fetch_file(progress=bar)": lambda store: store.fetch_file(*PLACE, progress=tqdm.auto.tqdm(disable=True)),
    "fetch_file(dest=3)": lambda store: store.fetch_file(*PLACE, dest=3),
    "fetch_file(dest='')": lambda store: store.fetch_file(*PLACE, dest=""),
    "fetch_file(hash=3)": lambda store: store.fetch_file(*PLACE, hash=3),
    "fetch_file(hash=md5)": lambda store: store.fetch_file(*PLACE, hash=hashlib.md5(b"a result")),
    "fetch_file(hash=bytes)": lambda store: store.fetch_file(*PLACE, hash=DIGEST.encode()),
    "fetch_files(dest=[])": lambda store: store.fetch_files([PLACE], dest=[]),
    "fetch_files(progress='x')": lambda store: store.fetch_files([PLACE], progress="x"),
    "fetch_files(3)": lambda store: store.fetch_files(3),
    "fetch_files(report)": lambda store: store.fetch_files(store.verify()),
    "fetch_uuid(3)": lambda store: store.fetch_uuid(3),
    "fetch_uuid(None)": lambda store: store.fetch_uuid(None),
    "fetch_uuid(Record)": lambda store: store.fetch_uuid(store[PLACE]),
    "open_file(progress=3)": lambda store: store.open_file(*PLACE, progress=3),
    "add_file(3)": lambda store: store.add_file("S1", "Prod0", 3),
    "add_file(file)": lambda store: store.add_file("S1", "Prod0", object()),
    "add_file(hash=3)": lambda store: store.add_file("S1", "Prod0", __file__, hash=3),
    "add_file(duplicate='overwrite')": lambda store: store.add_file("S1", "Prod0", __file__, duplicate="overwrite"),
    "add_file(duplicate=True)": lambda store: store.add_file("S1", "Prod0", __file__, duplicate=True),
    "add_file(progress=3)": lambda store: store.add_file("S1", "Prod0", __file__, progress=3),
    "add_files(duplicate='')": lambda store: store.add_files([], duplicate=""),
    "add_files(progress='')": lambda store: store.add_files([], progress=""),
    "new_file(hash=3)": lambda store: store.new_file("S1", "Prod0", "x", hash=3).__enter__(),
    "new_file(duplicate='x')": lambda store: store.new_file("S1", "Prod0", "x", duplicate="x").__enter__(),
    "Manifest(root)": lambda store: Manifest(str(store.root)),
    "Manifest(None)": lambda _: Manifest(None),
    "Manifest.create(root)": lambda store: Manifest.create(store.root),
    "Manifest.create({})": lambda store: Manifest.create({"root": store.root}),
    "get_hash(3)": lambda store: store.manifest.get_hash(3),
    "add_record(hash)": lambda store: store.manifest.add_record("S1", "Prod0", "x", "abc", "0" * 32),
    "add_record(uuid)": lambda store: store.manifest.add_record("S1", "Prod0", "x", "0" * 32, 3),
    "store_to_frame(root)": lambda _: store_to_frame(3),
    "store_to_frame(stat='S1')": lambda store: store_to_frame(store, stat="S1"),
    "records_to_frame(names)": lambda _: records_to_frame(["S1"]),
    "records_to_frame(frame)": lambda store: records_to_frame(store.to_frame()),
    "report_to_frame(Store)": report_to_frame,
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_refused(store, stored, call):
    """What a method can't take is a TypeError or a ValueError of one line, and nothing is done."""
    before = contents(store.root)
    with pytest.raises((TypeError, ValueError)) as caught:
        call(store)
    assert not isinstance(caught.value, StorageError) or isinstance(caught.value, InvalidNameError)
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(store.root) == before


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (lambda store: store.verify(executor=4), "concurrent.futures.Executor"),
        (lambda store: store.verify(executor=Client()), "get_executor()"),
        (lambda store: store.verify(executor=shut_down()), "after shutdown"),
        (lambda store: store.to_frame("S1"), "frame[frame['event']"),
        (lambda store: store.verify(since=30), "'30d'"),
        (lambda store: store.verify(budget=[]), "'500GB'"),
        (lambda store: store.fetch_file(*PLACE, progress="x"), "True for a bar"),
        (lambda store: store.add_file("S1", "Prod0", b"x", duplicate="x"), "'raise', 'link' or 'skip'"),
    ],
)
def test_the_message_says_what_is_taken(store, stored, wrong, advice):
    """The message of a refusal names what the argument takes."""
    with pytest.raises((TypeError, ValueError)) as caught:
        wrong(store)
    assert advice in str(caught.value)


@pytest.mark.parametrize("since", ["30d", " 12 h ", timedelta(days=1), pd.Timedelta("1h")])
def test_since_as_text_or_duration(store, stored, since):
    """since= is a duration, or a text as locutus takes it: what was verified within it is skipped."""
    assert store.verify().ok
    assert (len(store.verify(since=since).results), store.verify(since=since).skipped) == (0, 1)
    assert len(store.verify(since="0s").results) == 1


@pytest.mark.parametrize("budget", ["1h", "8B", "1kB", "2TiB", 8, 8.0, 1e9, np.int64(8), timedelta(hours=1)])
def test_budget_as_text_number_or_duration(store, stored, source, budget):
    """budget= is a duration, a number of bytes, or a text as locutus takes them."""
    store.add_file("S1", "Prod0", source("z", b"eight by"))
    small = budget in {8, "8B"}
    report = store.verify(budget=budget)
    assert (len(report.results), report.skipped) == ((1, 1) if small else (2, 0))


@pytest.mark.parametrize(
    "spelled", [DIGEST, DIGEST.upper(), f"md5:{DIGEST}", f"MD5: {DIGEST}", f" {DIGEST}\n", np.str_(DIGEST)]
)
def test_a_hash_as_others_write_it(store, source, spelled, tmp_path):
    """A hash may have md5: before it, blanks and a line's end around it, and letters of either case."""
    assert store.add_file("S1", "Prod0", source(), hash=spelled)["hash"] == DIGEST
    assert store.fetch_file(*PLACE, hash=spelled).read_bytes() == b"a result"
    other = Store.create(tmp_path / "other", "n")
    with other.new_file("S1", "Prod0", "x", hash=spelled) as file:
        file.write(b"a result")
    store.manifest.add_record("S9", "Prod0", "x", spelled, "0" * 32)
    assert store.manifest.get_hash("0" * 32) == DIGEST


@pytest.mark.parametrize(
    "wrong", ["", " ", "md5:", DIGEST[1:], DIGEST + "0", f"sha1:{DIGEST}", "\u0661" + DIGEST[1:], "g" * 32]
)
def test_a_hash_that_is_none(store, source, wrong):
    """What is no MD5 is a HashError that says so, in and out, before anything is copied or written."""
    path = source()
    for call in (
        lambda: store.add_file("S1", "Prod0", path, hash=wrong),
        lambda: store.new_file("S1", "Prod0", "x", hash=wrong).__enter__(),
        lambda: store.add_files([{"event": "S1", "production": "Prod0", "path": path, "hash": wrong}]),
    ):
        with pytest.raises(HashError, match="32 hexadecimal digits") as caught:
            call()
        assert caught.value.expected == wrong
    assert keys(store) == []
    store.add_file("S1", "Prod0", path)
    with pytest.raises(HashError, match="32 hexadecimal digits") as caught:
        store.fetch_file(*PLACE, hash=wrong)
    assert (caught.value.actual, caught.value.path) == (DIGEST, store.root / "S1" / "Prod0" / store[PLACE].uuid)


# Bars


CALLS = {
    "add": lambda store, path: store.add_file("S2", "Prod0", path, progress=True),
    "add many": lambda store, path: store.add_files([("S2", "Prod0", path)], progress=True),
    "fetch": lambda store, _: store.fetch_file(*PLACE, progress=True),
    "fetch many": lambda store, path: store.fetch_files([PLACE], progress=True, dest=path.parent / "dest"),
    "open": lambda store, _: store.open_file(*PLACE, progress=True).close(),
    "verify": lambda store, _: store.verify(progress=True),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_progress_true_is_a_bar(store, stored, source, call, capsys):
    """progress=True shows a bar that ends at 100%, and leaves the cursor on a line of its own."""
    call(store, source("other", b"12345678"))
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "8.00/8.00" in shown
    assert shown.endswith("\n")


@pytest.mark.parametrize("nothing", [None, False])
def test_no_progress_no_bar(store, stored, nothing, capsys):
    """progress=None and progress=False show nothing."""
    store.verify(progress=nothing)
    store.fetch_file(*PLACE, progress=nothing)
    assert capsys.readouterr() == ("", "")


def test_the_bar_is_closed_by_an_error(store, stored, capsys):
    """Work that fails leaves no half bar behind: its line is ended before the error is shown."""
    Path(stored).chmod(0o644)
    Path(stored).write_bytes(b"A result")
    with pytest.raises(HashError):
        store.fetch_file(*PLACE, progress=True)
    assert capsys.readouterr().err.endswith("\n")
