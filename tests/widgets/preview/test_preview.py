"""The preview of any file: how much of it is read, and that every description can be sent."""

from __future__ import annotations

import base64
import io
import json

import h5py
import numpy as np

from asimov.storage.widgets._preview import preview as module
from asimov.storage.widgets._preview.description import LIMIT
from asimov.storage.widgets._preview.preview import preview

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_an_empty_file_is_said_to_be_empty(describe):
    """An empty file is called one."""
    found = describe(b"", "a.json")
    assert (found.kind, found.type, found.size) == ("empty", "empty file", 0)


class _Counting(io.FileIO):
    """A file without a buffer that counts what is read from it."""

    count = 0

    def read(self, size=-1):
        data = super().read(size)
        self.count += len(data)
        return data


class _Halting(io.FileIO):
    """A file that gives less than it is asked for, as the system may."""

    def read(self, size=-1):
        return super().read(min(size, 100))


def _read_from(path):
    with _Counting(path) as file:
        return preview(file, path.name), file.count


def test_short_reads_are_gone_on_with(tmp_path, describe, hdf5):
    """Where the system gives less than was asked for, the rest is read, of a text as of a tree."""
    for content, name in ((b"text\n" * 3000, "a.txt"), (hdf5, "a.h5")):
        (tmp_path / name).write_bytes(content)
        with _Halting(tmp_path / name) as file:
            assert preview(file, name) == describe(content, name)


def test_at_most_a_megabyte_is_read(tmp_path):
    """However large a file is, a preview reads no more than a megabyte of it, also of an HDF5 file."""
    (tmp_path / "big.txt").write_bytes(b"text\n" * 1_000_000)
    assert _read_from(tmp_path / "big.txt")[1] == LIMIT
    with h5py.File(tmp_path / "big.h5", "w") as file:
        for number in range(400):
            group = file.create_group(f"group {number}")
            for member in range(8):
                group[f"data {member}"] = np.zeros((100, 100))
    found, count = _read_from(tmp_path / "big.h5")
    assert count <= LIMIT
    assert (found.kind, len(found.tree)) == ("tree", 500)
    assert found.note == "Only the first 500 groups, datasets and attributes are shown."


def test_a_tree_that_takes_too_much_reading_ends(tmp_path, monkeypatch):
    """Where the limit is reached before the tree's end, what was found is shown, and the note says so."""
    with h5py.File(tmp_path / "wide.h5", "w") as file:
        for number in range(400):
            file.create_group(f"group {number}")["data"] = np.zeros(100)
    monkeypatch.setattr(module, "LIMIT", 100_000)
    found, count = _read_from(tmp_path / "wide.h5")
    assert count <= 100_000
    assert (found.kind, found.note) == ("tree", "The tree may go on: a preview reads at most 1 MB.")
    assert 10 < len(found.tree) < 400


def test_every_description_can_be_sent(describe, hdf5):
    """Every description is JSON."""
    for content, name in ((hdf5, "a.h5"), (PNG, "a.png"), ("a,b\n1,2", "a.csv"), ("{}", "a.json"), (b"\0", "a")):
        message, _ = describe(content, name).message()
        assert json.loads(json.dumps(message))["kind"] == message["kind"]
