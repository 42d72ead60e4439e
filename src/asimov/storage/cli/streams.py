"""Pipes and standard streams: bytes from them into a Store, and verified bytes out of it."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from asimov.storage._bytes.descriptors import chunks, write_all
from asimov.storage._bytes.digests import Digest
from asimov.storage._model.matching import require_match

from . import reading

if TYPE_CHECKING:
    from asimov.storage._model.names import Key
    from asimov.storage._model.record import Record
    from asimov.storage._store import Store

    from .terminal import Edge

STANDARD = "-"
"""The name that means standard input or standard output. A file of that name is ``./-``."""
_NAMELESS = re.compile(r"/dev/(stdin|fd/\d+)|/proc/(self|\d+)/fd/\d+").fullmatch


def is_pipe(file: str) -> bool:
    """Return whether a FILE is a pipe: standard input, or a FIFO."""
    if file == STANDARD:
        return True
    try:
        return stat.S_ISFIFO(os.stat(file).st_mode)  # noqa: PTH116 - a FILE may have a slash at its end
    except (OSError, ValueError):
        return False  # the error of storing it says what is wrong


def is_nameless(file: str) -> bool:
    """Return whether a FILE has no name of its own: standard input, or a pipe of the shell's (``<(command)``)."""
    return file == STANDARD or _NAMELESS(file) is not None


@contextlib.contextmanager
def opened(file: str, edge: Edge) -> Iterator[int]:
    """Open a pipe for reading, for the length of a ``with`` block; opening a FIFO waits until it has a writer."""
    if file == STANDARD:
        yield edge.standard_input()
        return
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def store_pipe(store: Store, key: Key, file: str, edge: Edge, **options: Any) -> Record:
    """Write the bytes of a pipe, up to its end, straight into a Store; `options` are those of `Store.new_file`.

    Raises
    ------
    InvalidNameError, HashError, RecordExistsError, AlreadyPresentException, OSError
        As from `Store.new_file`; nothing is stored.
    """
    with (
        edge.progress("store") as progress,
        store.new_file(*key, **options) as target,
        opened(file, edge) as source,
    ):
        done = 0
        for chunk in _pieces(source, "standard input" if file == STANDARD else file):
            target.write(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, 0)
    return store[key]


def _pieces(source: int, name: str) -> Iterator[bytes]:
    try:
        yield from chunks(source)
    except OSError as error:
        error.filename = name
        raise


def write_verified(store: Store, key: Key, hash: str | None, edge: Edge) -> None:
    """Write the bytes of a file to standard output, after verifying all of them.

    They are read twice from one open file, and digested both times, since they might change in between.

    Raises
    ------
    RecordNotFoundError, OSError
        As from `Store.open_file`.
    HashError
        The bytes are not those that were recorded. Nothing was written, unless they changed between the readings.
    """
    record = store[key]
    if hash is not None and hash.lower() != record.hash:
        store.fetch_file(*key, hash)  # raises an error, or accepts this spelling of the hash
    with edge.progress("fetch") as progress:
        file = store.open_file(*key, progress=progress)
    with file:
        target = edge.standard_output()
        digest = Digest(sha256=record.sha256 is not None)
        for chunk in chunks(file.fileno()):
            digest.update(chunk)
            _write(target, chunk)
        require_match(record, digest, reading.path(store, record))


def _write(target: int, data: bytes) -> None:
    try:
        write_all(target, data)
    except OSError as error:
        error.filename = "standard output"
        raise
