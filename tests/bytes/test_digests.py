"""Digests: right for every size, computed in constant memory, where MD5 is forbidden for security too."""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
import tracemalloc

import pytest
from damage import md5, run_python

from asimov.storage import HashError, Store
from asimov.storage._bytes.progress import Meter

SIZES = [0, 1, 4095, 4096, 65_535, 65_536, 262_144, 1_048_575, 1_048_576, 1_048_577, 8_388_608, 8_388_609]


@pytest.mark.parametrize("size", SIZES)
def test_digest_of_any_size(store, source, size):
    """What is recorded is the MD5 of the bytes, and the bytes arrive, around every size of a buffer."""
    content = random.Random(size).randbytes(size)
    added = store.add_file("S1", "Prod0", source(content=content))
    fetched = store.fetch_file("S1", "Prod0", "result.txt")
    assert added["hash"] == hashlib.md5(content).hexdigest()
    assert fetched.read_bytes() == content
    assert store.verify().results[0].size == size


def test_memory_does_not_grow_with_the_file(store, tmp_path):
    """A file of 128 MB is stored, copied out and verified within 40 MB of memory, however slow the digest is."""
    big = tmp_path / "big"
    with big.open("wb") as file:
        file.truncate(128_000_000)
    tracemalloc.start()
    try:
        store.add_file("S1", "Prod0", big)
        store.fetch_file("S1", "Prod0", "big", dest=tmp_path / "copy")
        assert store.verify().ok
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "copy").stat().st_size == 128_000_000
    assert peak < 40_000_000


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
def test_given_hash_in_any_case(store, source, case):
    """The letter case of a given hash does not matter, in or out."""
    digest = md5(b"a result")
    store.add_file("S1", "Prod0", source(), hash=case(digest))
    assert store.fetch_file("S1", "Prod0", "result.txt", hash=case(digest)).read_bytes() == b"a result"


@pytest.mark.parametrize("wrong", ["", " ", "0" * 32, "not a hash", md5(b"a result")[:-1], md5(b"a result") + "0"])
def test_wrong_hash(store, source, wrong):
    """Anything but the digest is a wrong hash, the empty string too, in and out."""
    path = source()
    with pytest.raises(HashError):
        store.add_file("S1", "Prod0", path, hash=wrong)
    assert len(store) == 0
    store.add_file("S1", "Prod0", path)
    with pytest.raises(HashError):
        store.fetch_file("S1", "Prod0", "result.txt", wrong)


def test_where_md5_is_forbidden_for_security(tmp_path):
    """Where OpenSSL refuses MD5 unless it is said not to be for security (FIPS), a Store works."""
    (tmp_path / "f").write_bytes(b"x")
    code = """
import hashlib, sys
real_md5, real_new = hashlib.md5, hashlib.new
def md5(*args, usedforsecurity=True):
    if usedforsecurity:
        raise ValueError("disabled for FIPS")
    return real_md5(*args, usedforsecurity=False)
def new(name, *args, usedforsecurity=True):
    return md5(*args, usedforsecurity=usedforsecurity) if name.lower() == "md5" else real_new(name, *args)
hashlib.md5, hashlib.new = md5, new
from asimov.storage import Store
store = Store.create(sys.argv[1] + "/store", "FIPS")
store.add_file("S1", "Prod0", sys.argv[1] + "/f")
store.fetch_file("S1", "Prod0", "f", dest=sys.argv[1] + "/copy")
assert store.verify().ok
"""
    done = run_python(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert Store(tmp_path / "store")["S1", "Prod0", "f"].hash == md5(b"x")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_sources_are_read_once(store, tmp_path):
    """One pass over the data on the way in: the kernel counts no more bytes read than the file has, but for the
    small change.
    """
    big = tmp_path / "big"
    big.write_bytes(random.Random(1).randbytes(16_000_000))
    code = """
import sys
from asimov.storage import Store
def read():
    return int(open("/proc/self/io").read().split("rchar: ")[1].split()[0])
store, before = Store(sys.argv[1]), read()
store.add_file("S1", "Prod0", sys.argv[2])
print(read() - before)
"""
    done = run_python(code, store.root, big)
    assert int(done.stdout) < 17_000_000


def test_progress_is_told_ten_times_a_second():
    """However often bytes are counted, also beyond those expected, they are told ten times a second at most."""
    calls = []
    meter = Meter(lambda *call: calls.append(call), 10)
    start = time.monotonic()
    while time.monotonic() - start < 0.5:
        meter.advance(1)
    assert 2 <= len(calls) <= 10 * (time.monotonic() - start) + 2  # at the start, and at the first bytes
    meter.advance(1)
    meter.finish()
    assert calls[-1][0] == calls[-1][1] > 10


# Holes


def allocated(path):
    """Give how many bytes of the disk a file takes."""
    return path.stat().st_blocks * 512


BLOCK = 4096
SPARSE = {
    "nothing but a hole": [(0, b"")],
    "a hole at the end": [(0, b"head")],
    "a hole at the start": [(64 << 20, b"tail")],
    "holes between": [(n << 20, b"%d" % n * 1000) for n in range(1, 60, 7)],
    "data that ends in the middle of a block": [(10 << 20, bytes(3) + b"x")],
    "one block in each megabyte": [((n << 20) + BLOCK, b"y" * BLOCK) for n in range(60)],
}


@pytest.fixture
def sparse(tmp_path):
    """A function that makes a file of a size with pieces of data, and holes between."""

    def make(pieces, size=(64 << 20) + 4):
        path = tmp_path / "sparse"
        with path.open("wb") as file:
            for offset, data in pieces:
                file.seek(offset)
                file.write(data)
            file.truncate(size)
        if allocated(path) > 2 << 20:
            pytest.skip("no holes on this file system")
        return path

    return make


@pytest.mark.parametrize("pieces", SPARSE.values(), ids=SPARSE)
def test_holes_stay_holes(store, tmp_path, sparse, pieces):
    """A sparse file takes little of the disk in the Store and at dest; size, bytes and digest are those of the file."""
    path = sparse(pieces)
    content = path.read_bytes()
    added = store.add_file("S1", "Prod0", path)
    stored = store.fetch_file("S1", "Prod0", "sparse")
    copy = store.fetch_file("S1", "Prod0", "sparse", dest=tmp_path / "copy")
    assert added["hash"] == md5(content)
    for found in (stored, copy):
        assert found.read_bytes() == content
        assert allocated(found) <= allocated(path) + BLOCK
    assert store.verify().ok


@pytest.mark.parametrize("size", [BLOCK + 1, 100_000, (4 << 20) - 1, (4 << 20) + 1, (5 << 20) + BLOCK])
def test_sizes_of_sparse_files(store, sparse, size):
    """A sparse file of any size, digested in one thread or in two, is stored as what it is."""
    path = sparse([(BLOCK, b"x")], size)
    content = path.read_bytes()
    assert store.add_file("S1", "Prod0", path)["hash"] == md5(content)
    assert store.fetch_file("S1", "Prod0", "sparse").read_bytes() == content


def test_zeros_that_are_no_holes_are_written(store, source):
    """A file that has its zeros on the disk has them in the Store too: who reserved the room gets it."""
    path = source("zeros", bytes(6 << 20))
    with path.open("rb") as file:
        os.fsync(file.fileno())
    store.add_file("S1", "Prod0", path)
    assert allocated(store.fetch_file("S1", "Prod0", "zeros")) >= allocated(path)


def test_progress_of_a_sparse_file(store, sparse):
    """Progress counts the bytes of holes too."""
    seen = []
    store.add_file("S1", "Prod0", sparse([(0, b"head")]), progress=lambda *told: seen.append(told))
    assert (seen[0], seen[-1]) == ((0, (64 << 20) + 4), ((64 << 20) + 4, (64 << 20) + 4))
