"""The export itself: names, then files that are verified while they are copied, then the texts beside them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import NamedTuple

from asimov.storage._backends.base import Backend
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._disk import files
from asimov.storage._display.text import printable, shown
from asimov.storage._model.record import Record
from asimov.storage._model.selection import select
from asimov.storage._model.snapshot import Contents
from asimov.storage._operations import arguments
from asimov.storage._operations.fingerprint import fingerprint
from asimov.storage._operations.retracting import require_current

from . import bag, crate, folder, naming
from .exported import Exported, ExportedFile
from .tree import Tree, new_tree

_FORMATS: dict[str, ModuleType] = {"folder": folder, "bag": bag, "crate": crate}
"""A format is a module: `PREFIX` of the files' paths, names that are `RESERVED`, and `texts` to write beside them."""


class Options(NamedTuple):
    """What `Store.export` was asked for, as it was given."""

    layout: object
    link: object
    format: object
    license: object
    retracted: object


def export(
    backend: Backend,
    contents: Contents,
    selection: object,
    dest: str | os.PathLike[str],
    options: Options,
    *,
    progress: Progress | bool | None,
) -> Path:
    """Write the files of a selection, or all, and the texts of a format to the new folder `dest`; return its path."""
    target, linking = files.absolute(arguments.path("dest", dest)), arguments.flag("link", options.link)
    chosen, terms = _format(options.format), _license(options.license)
    records = _records(contents, selection, retracted=arguments.flag("retracted", options.retracted))
    paths = [chosen.PREFIX + path for path in naming.paths_of(records, options.layout, chosen.RESERVED)]
    with arguments.reporting(progress, "export") as reported:
        total = sum(found.size or 0 for found in backend.stat(records)) if reported is not None else 0
        with new_tree(target) as tree:
            meter = Meter(reported, total)
            found = [_put(backend, tree, *pair, meter, linking=linking) for pair in zip(records, paths, strict=True)]
            meter.finish()
            for path, text in chosen.texts(_exported(contents, found, terms)).items():
                tree.write(path, text)
    return target


def _records(contents: Contents, selection: object, *, retracted: bool) -> list[Record]:
    """Return the selected records, each once, or all that are not retracted; raise ValueError if there are none."""
    records = list(dict.fromkeys(contents if selection is None else select(contents, selection)))
    if not retracted and selection is None:
        records = [record for record in records if record.uuid not in contents.retracted]
    elif not retracted:
        require_current(contents, records)
    if not records:
        why = "the Store has none to use" if selection is None else "the selection has no files"
        msg = f"There is nothing to export: {why}. Nothing was written."
        raise ValueError(msg)
    return records


def _put(backend: Backend, tree: Tree, record: Record, path: str, meter: Meter, *, linking: bool) -> ExportedFile:
    """Link a record's file, or copy it; verify it meanwhile."""
    if linking:
        with tree.folder_of(path) as there:
            name = PurePosixPath(path).name
            status = there.status(name) if backend.link(record, there, name, meter) else None
        if status is not None:
            return ExportedFile(record, path, status.st_size)
    size = tree.fill(path, lambda descriptor, writing: backend.copy(record, descriptor, meter, writing))
    return ExportedFile(record, path, size)


def _exported(contents: Contents, found: Sequence[ExportedFile], license: str | None) -> Exported:
    return Exported(
        store_name=contents.name,
        fingerprint=fingerprint(contents),
        recorded=len(contents),
        files=tuple(found),
        moment=datetime.now(UTC).isoformat(timespec="seconds"),
        license=license,
        retracted=contents.retracted,
    )


def _format(value: object) -> ModuleType:
    if not isinstance(value, str) or value not in _FORMATS:
        msg = f"format={shown(value)}: it takes {', '.join(map(repr, _FORMATS))}."
        raise ValueError(msg)
    return _FORMATS[value]


def _license(value: object) -> str | None:
    """Return the text of a licence on one line; None if none was given."""
    if value is not None and not isinstance(value, str):
        msg = f"license={shown(value)}: it takes a str, such as 'CC-BY-4.0' or the address of a licence, or None."
        raise TypeError(msg)
    return printable(" ".join(value.split())) or None if value else None
