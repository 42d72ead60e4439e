"""Checking a batch of stored files: the work of each thread or worker of a verification."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from asimov.storage._backends.checking import checked, failed
from asimov.storage._bytes import digests
from asimov.storage._bytes.progress import Meter
from asimov.storage._disk.folder import Folder
from asimov.storage._format.layout import HOME
from asimov.storage._model.check import Check, Status
from asimov.storage._model.record import Record

from .stored import folder_of, open_in


def check_batch(root: Path, records: Sequence[Record], meter: Meter | None = None) -> list[Check]:
    """Check the files of `records`, sorted by key, of the Store at `root`, which may be invisible to this machine."""
    try:
        top = Folder.open(root)
    except OSError as error:
        return [_unseen(root, record, error.strerror or str(error)) for record in records]
    with top:
        if top.status(HOME) is None:
            return [_unseen(root, record, "it isn't the Store that is seen there") for record in records]
        return list(_check_sorted(top, records, meter))


def _unseen(root: Path, record: Record, why: str) -> Check:
    return _failed(
        record, folder_of(root, record), Status.UNREADABLE, f"the worker cannot see the Store at {root}: {why}"
    )


def _check_sorted(top: Folder, records: Sequence[Record], meter: Meter | None) -> Iterator[Check]:
    current: tuple[str, str] | None = None
    with contextlib.ExitStack() as stack:
        folder = top
        for record in records:
            if (record.event, record.production) != current:
                stack.close()
                current, problem = (record.event, record.production), None
                try:
                    folder = stack.enter_context(top.folder(record.event))
                    folder = stack.enter_context(folder.folder(record.production))
                except OSError as error:
                    problem = error
            yield _check(folder, record, meter) if problem is None else _without_folder(top, record, problem)


def _check(folder: Folder, record: Record, meter: Meter | None) -> Check:
    try:
        descriptor, path = open_in(folder, record)
    except FileNotFoundError:
        return _failed(record, folder.path, Status.MISSING, "there is no such file")
    except OSError as error:
        return _failed(record, folder.path, Status.UNREADABLE, error.strerror or str(error))
    try:
        found = digests.digest(descriptor, sha256=record.sha256 is not None, meter=meter)
    except OSError as error:
        return _failed(record, folder.path, Status.UNREADABLE, error.strerror or str(error))
    finally:
        os.close(descriptor)
    return checked(record, path, found)


def _without_folder(top: Folder, record: Record, error: OSError) -> Check:
    folder = folder_of(top.path, record)
    if isinstance(error, FileNotFoundError):
        return _failed(record, folder, Status.MISSING, "its folder is missing")
    return _failed(record, folder, Status.UNREADABLE, f"{error.filename}: {error.strerror}")


def _failed(record: Record, folder: Path, status: Status, reason: str) -> Check:
    return failed(record, folder / record.uuid, status, reason)
