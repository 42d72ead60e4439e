"""Verified bytes out of a Store: as paths, as an open file, or as copies in another place."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from asimov.storage._backends.base import Backend
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._model.matching import require_recorded
from asimov.storage._model.record import Record

from . import arguments
from .delivering import all_or_none, deliver, target_of, targets_of
from .together import each


def targets_in(dest: str | os.PathLike[str] | None, records: list[Record], *, tree: object) -> list[Path] | None:
    """Return the path of each record's copy in the folder `dest`, each record once; None without a `dest`.

    Raises
    ------
    TypeError
        `tree` is set without a `dest`, or one of the two has the wrong type.
    ValueError
        Two of the files have the same name, and `tree` isn't set.
    """
    is_tree = arguments.flag("tree", tree)
    if dest is not None:
        return targets_of(arguments.path("dest", dest), list(dict.fromkeys(records)), tree=is_tree)
    if is_tree:
        msg = "tree=True says how copies lie below dest, and none was given. Give dest, too."
        raise TypeError(msg)
    return None


def fetch_one(
    backend: Backend,
    record: Record,
    *,
    hash: object = None,
    dest: str | os.PathLike[str] | None = None,
    progress: Progress | bool | None = None,
) -> Path:
    """Verify the file of `record`, also against the MD5 `hash`; return its path, or that of a copy at `dest`."""
    if hash is not None:
        place = backend.where(record)
        require_recorded(record, arguments.digest(hash, place, record.hash) or "", place)
    targets = None if dest is None else [target_of(arguments.path("dest", dest), record.file)]
    return fetch(backend, [record], targets, progress=progress)[0]


def fetch(
    backend: Backend, records: list[Record], targets: list[Path] | None, *, progress: Progress | bool | None
) -> list[Path]:
    """Verify the files of `records`; return their paths, or those of their copies if there are targets."""
    wanted = list(dict.fromkeys(records))
    with arguments.reporting(progress, "fetch") as reported:
        meter = _meter(backend, wanted, reported)
        if targets is None:
            paths = each(backend.path, wanted, meter, backend.together)
            meter.finish()
        else:
            paths = targets
            with all_or_none(targets) as delivered:

                def put(pair: tuple[Record, Path], counted: Meter) -> None:
                    if deliver(backend, *pair, counted):
                        delivered.append(pair[1])

                each(put, list(zip(wanted, targets, strict=True)), meter, backend.together)
                meter.finish()
    found = dict(zip(wanted, paths, strict=True))
    return [found[record] for record in records]


def open_file(backend: Backend, record: Record, *, progress: Progress | bool | None) -> BinaryIO:
    """Verify the file of `record`, and open it."""
    with arguments.reporting(progress, "open") as reported:
        meter = _meter(backend, [record], reported)
        opened = backend.open(record, meter)
        try:
            meter.finish()
        except BaseException:
            opened.close()
            raise
    return opened


def _meter(backend: Backend, records: Iterable[Record], progress: Progress | None) -> Meter:
    """Return a Meter for the bytes of these files; their sizes are looked up only if there is a `progress`."""
    return Meter(progress, sum(found.size or 0 for found in backend.stat(records)) if progress is not None else 0)
