"""What comes between: Ctrl-C, a signal's handler that uses a Store too, somebody who still writes.

Each is made to come with one call of the operating system, where it would be by chance once in a thousand times.
"""

from __future__ import annotations

import hashlib
import os

import pytest
from damage import contents, keys

from asimov.storage import Store


@pytest.fixture
def once(monkeypatch):
    """Make something happen once, after (or instead of the rest of) the first call of an `os` function that fits."""

    def arrange(name, action, fits=lambda *_args: True):
        real, calls = getattr(os, name), []

        def call(*args, **options):
            result = real(*args, **options)
            if not calls and fits(*args):
                calls.append(args)
                action()
            return result

        monkeypatch.setattr(os, name, call)
        return calls

    return arrange


def interrupt():
    """Be Ctrl-C."""
    raise KeyboardInterrupt


def test_ctrl_c_in_a_write_that_is_caught(store, once):
    """Who catches Ctrl-C in a block of new_file and goes on stores just what was written."""
    with store.new_file("S1", "Prod0", "log") as file:
        file.write(b"a" * 5_000)
        calls = once("write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            file.flush()
        file.write(b"b" * 5_000)
    assert len(calls) == 1
    assert store.verify().ok
    assert store.fetch_file("S1", "Prod0", "log").read_bytes() == b"a" * 5_000 + b"b" * 5_000


def test_a_write_that_failed_is_made_again(store, monkeypatch):
    """So does who had no room for a part of a write, made some, and went on."""
    real = os.write

    def half(descriptor, data):
        monkeypatch.setattr(os, "write", full)
        return real(descriptor, bytes(data)[: len(data) // 2])

    def full(_descriptor, _data):
        monkeypatch.setattr(os, "write", real)
        raise OSError(28, "No space left on device")

    with store.new_file("S1", "Prod0", "log") as file:
        file.write(b"a" * 5_000)
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(OSError, match="No space"):
            file.flush()
        file.write(b"b")
    assert store.verify().ok
    assert store.fetch_file("S1", "Prod0", "log").read_bytes() == b"a" * 5_000 + b"b"


def test_nobody_writes_after_the_block(store, once):
    """What is written once the block of new_file has ended is refused, and never gets into what is stored."""
    calls = once("fsync", lambda: file.write(b"late"))  # as a thread of the user's might at that moment
    with pytest.raises(ValueError, match="closed"), store.new_file("S1", "Prod0", "log") as file:
        file.write(b"text")
    assert len(calls) == 1
    assert keys(store) == []


def test_a_handler_that_stores_something(store, source, once):
    """A signal's handler may add to the Store that is being added to: each file is what was given."""
    path, other = source("a", b"a" * 50_000), source("b", b"b" * 60_000)
    calls = once("readv", lambda: Store(store.root).add_file("S1", "Prod0", other))
    store.add_file("S1", "Prod0", path)
    assert len(calls) == 1
    assert store.verify().ok
    assert store.fetch_file("S1", "Prod0", "a").read_bytes() == b"a" * 50_000
    assert store.fetch_file("S1", "Prod0", "b").read_bytes() == b"b" * 60_000


def test_a_handler_that_fetches_something(store, source, once):
    """Nor does a handler that fetches a file change what the fetch delivers that it comes between."""
    store.add_files([("S1", "Prod0", source("a", b"a" * 50_000)), ("S1", "Prod0", source("b", b"b" * 60_000))])
    dest = store.root.with_name("dest")
    calls = once("readv", lambda: Store(store.root).fetch_file("S1", "Prod0", "b"))
    assert store.fetch_file("S1", "Prod0", "a", dest=dest).read_bytes() == b"a" * 50_000
    assert len(calls) == 1


FIRST = {
    "add_file": lambda store, path: store.add_file("S1", "Prod0", path),
    "new_file": lambda store, path: store.new_file("S1", "Prod0", path.name).__enter__(),
}


@pytest.mark.parametrize("add", FIRST.values(), ids=FIRST)
def test_ctrl_c_at_the_first_digest(store, source, monkeypatch, add):
    """Ctrl-C, or SIGTERM, while a process loads what digests, for its first add, leaves no temporary file."""
    path, before = source("a", b"a"), contents(store.root)
    monkeypatch.setattr(hashlib, "md5", lambda **_: interrupt())
    with pytest.raises(KeyboardInterrupt):
        add(store, path)
    assert contents(store.root) == before


@pytest.mark.parametrize("call", ["link", "mkdir"])
def test_ctrl_c_once_something_was_placed(store, source, once, call):
    """Ctrl-C that comes when a file, or a folder for it, has just been made takes that back."""
    store.add_file("S0", "Prod0", source("first", b"first"))
    path, before = source("a", b"a"), contents(store.root)
    once(call, interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.add_file("S1", "Prod0", path)
    assert contents(store.root) == before
    assert store.add_file("S1", "Prod0", path)["file"] == "a"
