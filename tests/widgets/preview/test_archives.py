"""Archives: what is in them, without anything being unpacked; NumPy's among them."""

from __future__ import annotations

import io
import tarfile
import zipfile

import numpy as np
import pytest

from asimov.storage.widgets._preview.description import LIMIT
from asimov.storage.widgets._preview.preview import preview


@pytest.fixture
def zipped():
    """Return a function that makes a zip archive of names and contents."""

    def make(members, compression=zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name, (2026, 11, 26, 0, 0, 0)), content)
        return file.getvalue()

    return make


@pytest.fixture
def tarred():
    """Return a function that makes a tar archive of names and contents."""

    def make(members, mode):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode=mode) as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size, member.mtime = len(content), 1_764_115_200
                archive.addfile(member, io.BytesIO(content))
        return file.getvalue()

    return make


MEMBERS = {"a/result.txt": b"x" * 1000, "<b>.txt": b"", "../../etc/passwd": b"root"}


def listed(found):
    """Return names and details of a tree."""
    return [(node.name, node.detail) for node in found.tree]


def test_a_zip_archive_is_listed(describe, zipped):
    """Names, sizes and dates of a zip archive are shown."""
    found = describe(zipped(MEMBERS), "a.zip")
    assert (found.kind, found.type, found.note) == ("tree", "zip archive", "")
    assert listed(found) == [(name, f"{len(content):,} B, 2026-11-26") for name, content in MEMBERS.items()]


@pytest.mark.parametrize(("mode", "kind"), [("w", "tar archive"), ("w:gz", "gzipped tar archive")])
def test_a_tar_archive_is_listed(describe, tarred, mode, kind):
    """So are those of a tar archive, also of a gzipped one."""
    found = describe(tarred(MEMBERS, mode), "a.tar")
    assert (found.kind, found.type, found.note) == ("tree", kind, "")
    assert listed(found) == [(name, f"{len(content):,} B, 2025-11-26") for name, content in MEMBERS.items()]


def test_what_is_too_much_is_left_out(describe, tarred, zipped):
    """Of large archives the first members are listed, and a bomb is not unpacked."""
    many = {f"f{number}": b"" for number in range(1000)}
    assert len(describe(zipped(many), "a.zip").tree) == 500
    assert "500 of 1,000" in describe(zipped(many), "a.zip").note
    assert len(describe(tarred(many, "w"), "a.tar").tree) == 500
    bomb = describe(tarred({"bomb": bytes(50_000_000), "after": b""}, "w:gz"), "a.tgz")
    assert listed(bomb)[0] == ("bomb", "50,000,000 B, 2025-11-26")
    assert "at most 1 MB" in bomb.note


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_a_damaged_archive_is_described(describe, zipped, tarred, keep):
    """Of an archive that was cut, what can be read is listed, and why no more."""
    content = zipped({f"f{n}": bytes(range(256)) * 20 for n in range(20)}, zipfile.ZIP_STORED)
    found = describe(content[: int(len(content) * keep)], "a.zip")
    assert (found.type, "can't be read" in found.note) == ("zip archive", True)
    content = tarred({f"f{n}": b"x" * 1000 for n in range(20)}, "w")
    assert 0 < len(describe(content[: int(len(content) * keep)], "a.tar").tree) <= 20


def saved(values):
    """Return an array as ``.npy``."""
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


STRUCTURE = np.array([(1.5, 2), (2.5, 3)], [("mass", "f8"), ("spin", "i4")])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(3.0), "3, float64: 0.0 1.0 2.0"),
        (np.arange(20, dtype="i2").reshape(2, 10), "2 × 10, int16: 0 1 2 3 4 5 6 7 …"),
        (np.array(7), "scalar, int64: 7"),
        (np.zeros((0, 3)), "0 × 3, float64"),
        (STRUCTURE, "2, fields mass, spin: (1.5, 2) (2.5, 3)"),
        (np.array([{"a": 1}], object), "1, objects, which are not unpickled"),
    ],
)
def test_numpy_arrays(describe, zipped, values, words):
    """Shape, type and first values of an array are shown, alone and among others; objects are not unpickled."""
    found = describe(saved(values), "a.npy")
    assert (found.kind, found.type, found.text) == ("text", "NumPy array", words)
    found = describe(zipped({"x.npy": saved(values), "y.npy": b"broken"}), "a.npz")
    assert listed(found) == [("x", words), ("y", "not a NumPy array")]


@pytest.mark.parametrize(
    "header",
    [
        b"__import__('os').system('false')",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1e99,)}",
        b"{'descr': '<f8', 'shape': (-1,)}",
        b"{'descr': 'O', 'shape': (3,)}",
        b"{'descr': [('a',)], 'shape': (3,)}",
        b"[1]",
        b"(" * 5000,
    ],
)
def test_hostile_arrays(describe, header):
    """A header that lies, or is code, is no reason to fail, and nothing runs."""
    found = describe(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + bytes(100), "a.npy")
    assert found.type == "NumPy array"
    assert found.text


def test_no_more_than_a_megabyte_is_read(tmp_path, zipped):
    """Of an archive whose list of members alone is larger, no more is read than of any other file."""
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({f"{'x' * 100}{number:05}": b"" for number in range(15_000)}))
    read = 0

    class Counting(io.FileIO):
        def read(self, size=-1):
            nonlocal read
            data = super().read(size)
            read += len(data)
            return data

    with Counting(path) as file:
        found = preview(file, "a.zip")
    assert found.note == "There may be more: a preview reads at most 1 MB."
    assert read <= LIMIT + 4096
