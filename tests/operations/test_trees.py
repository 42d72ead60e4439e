"""Store.add_tree: the files of a folder, by a pattern."""

from __future__ import annotations

import os

import pandas as pd
import pytest
from damage import contents, keys, md5, ordinary_user

from asimov.storage import AlreadyPresentException, Store
from asimov.storage._operations.trees import matcher

COLUMNS = ["event", "production", "file", "path", "size", "action", "reason"]


@pytest.fixture
def tree(tmp_path):
    """A function that makes a folder of files: tree({path: content}) -> the folder."""

    def make(files: dict[str, bytes]):
        for name, content in files.items():
            path = tmp_path / "runs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / "runs"

    return make


@pytest.fixture
def three(tree):
    """A folder of three files that fit the pattern."""
    return tree({"S2/P/c": b"ccc", "S1/P1/b": b"bb", "S1/P0/a": b"a"})


def actions(frame, root):
    """Return what is to be done with each path of a frame, in its order."""
    assert list(frame.columns) == COLUMNS
    return {os.path.relpath(row.path, root): row.action for row in frame.itertuples()}


def reason(frame, name):
    """Return why the file with the path `name` is not added."""
    (found,) = frame[frame["path"].str.endswith(name)]["reason"]
    return found


def test_adds_all(store, three):
    """All files that fit are added; the table is sorted by path."""
    frame = store.add_tree(three, meta={"run": 7})
    assert keys(store) == [("S1", "P0", "a"), ("S1", "P1", "b"), ("S2", "P", "c")]
    assert [*frame["event"]] == ["S1", "S1", "S2"]
    assert [*frame["size"]] == [1, 2, 3]
    assert frame["reason"].isna().all()
    assert actions(frame, three) == {"S1/P0/a": "add", "S1/P1/b": "add", "S2/P/c": "add"}
    assert store["S1", "P1", "b"].hash == md5(b"bb")
    assert [record.meta for record in store] == [{"run": 7}] * 3
    assert store.verify().ok


def test_dry_run(store, three):
    """A dry run says the same, and touches nothing."""
    before = contents(store.root)
    frame = store.add_tree(three, dry_run=True)
    assert contents(store.root) == before
    pd.testing.assert_frame_equal(frame, store.add_tree(three))


def test_again(store, three):
    """What is there already isn't added again; what has other bytes than the record is skipped, and said."""
    store.add_tree(three)
    (three / "S1/P1/b").write_bytes(b"BB")
    (three / "S1/P1/d").write_bytes(b"d")
    frame = store.add_tree(three)
    assert [*frame["action"]] == ["is there already", "skip", "add", "is there already"]
    assert "other bytes are recorded under this name" in reason(frame, "P1/b")
    assert store["S1", "P1", "b"].hash == md5(b"bb")
    assert ("S1", "P1", "d") in store


def test_what_is_left_out(store, tree, tmp_path):
    """What isn't added is in the table with the reason, and what fits is added all the same."""
    folder = tree({"E/P/a": b"a", "E/P/.hidden": b"", ".git/P/a": b"", "E/deep/er/a": b"", "top": b"", "E/P/x\\y": b""})
    (folder / "E" / "P" / "link").symlink_to("a")
    (folder / "E" / "linked").symlink_to("P")
    os.mkfifo(folder / "E" / "P" / "pipe")
    Store.create(folder / "E" / "other", "Other Store")
    frame = store.add_tree(folder)
    assert actions(frame, folder) == {
        ".git": "skip",
        "E/P/.hidden": "skip",
        "E/P/a": "add",
        "E/P/link": "skip",
        "E/P/pipe": "skip",
        "E/P/x\\y": "skip",
        "E/deep/er/a": "skip",
        "E/linked": "skip",
        "E/other": "skip",
        "top": "skip",
    }
    assert keys(store) == [("E", "P", "a")]
    reasons = {name: reason(frame, name) for name in (".git", "link", "linked", "pipe", "x\\y", "er/a", "other")}
    assert reasons[".git"].startswith("it is hidden")
    assert reasons["link"] == reasons["linked"] == "it is a symbolic link"
    assert reasons["pipe"] == "it is no regular file"
    assert "can't be the name of a file" in reasons["x\\y"]
    assert reasons["er/a"] == "its path doesn't fit the pattern"
    assert reasons["other"].startswith("it is a Store")


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("results/{event}/{production}/output/{file}", "results/E/P/output/a.h5", ("E", "P", "a.h5")),
        ("results/{event}/{production}/output/{file}", "results/E/P/a.h5", None),
        ("{production}/{event}/{file}", "P/E/a", ("E", "P", "a")),
        ("{event}-{production}/{file}", "S1-P-0/a", ("S1", "P-0", "a")),
        ("{event}.{production}/{file}.h5", "SxP/a.h5", None),
        ("{event}/{production}/{file}", "E/P/a/b", None),
        ("./{event}/{production}/{file}", "E/P/a\n", ("E", "P", "a\n")),
    ],
)
def test_pattern(pattern, path, expected):
    """A pattern says which parts of a path are the names; its other text stands for itself."""
    found = matcher(pattern)(path)
    assert (found and (found["event"], found["production"], found["file"])) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "{event}/{file}", "{event}/{event}/{production}/{file}", "{event}/{production}/{file}/{}", "{event", "*"),
        *("{event!r}/{production}/{file}", "{event:3}/{production}/{file}", 3),
    ],
)
def test_no_pattern(store, three, pattern):
    """A pattern that doesn't have each field once is refused before anything is looked at."""
    with pytest.raises((TypeError, ValueError), match="each once"):
        store.add_tree(three, pattern)


def test_all_or_none(store, three):
    """One file that is refused keeps the others out: there is one batch."""
    store.add_tree(three, "{event}/{production}/{file}")
    (three / "S1" / "P0" / "new").write_bytes(b"new")
    (three / "S3" / "P").mkdir(parents=True)
    (three / "S3" / "P" / "copy").write_bytes(b"a")
    before = contents(store.root)
    with pytest.raises(AlreadyPresentException):
        store.add_tree(three, duplicate="raise")
    assert contents(store.root) == before


def test_sha256(tmp_path, three):
    """In a Store with SHA-256 that is compared, too."""
    store = Store.create(tmp_path / "sha256", "Test Store", sha256=True)
    store.add_tree(three)
    assert set(store.add_tree(three)["action"]) == {"is there already"}


def test_unreadable_folder(common_path):
    """A folder that can't be read is an error that names it, and nothing is added."""
    folder = common_path / "runs" / "S1" / "P1"
    folder.mkdir(parents=True)
    (common_path / "runs" / "S0" / "P").mkdir(parents=True)
    (common_path / "runs" / "S0" / "P" / "a").write_bytes(b"a")
    store = Store.create(common_path / "store", "Test Store")
    folder.chmod(0)
    with ordinary_user(), pytest.raises(PermissionError, match="S1/P1"):
        store.add_tree(common_path / "runs")
    assert keys(store) == []


def test_no_folder(store, tmp_path):
    """What is no folder is an error that names it."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        store.add_tree(tmp_path / "nowhere")


def test_empty_folder(store, tmp_path):
    """An empty folder gives an empty table of the same columns."""
    (tmp_path / "empty").mkdir()
    assert list(store.add_tree(tmp_path / "empty").columns) == COLUMNS


def test_progress(store, three):
    """Progress is in bytes that are added; an error of it cancels, and nothing is added."""
    seen: list[tuple[int, int]] = []
    store.add_tree(three, dry_run=True, progress=lambda *now: seen.append(now))
    assert seen == []
    store.add_tree(three, progress=lambda *now: seen.append(now))
    assert seen[-1] == (6, 6)
