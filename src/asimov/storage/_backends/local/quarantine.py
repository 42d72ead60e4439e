"""Quarantine: files that are moved out of their place in a Store, or replaced, are kept in ``.manifest/quarantine``."""

from __future__ import annotations

import contextlib
from pathlib import Path

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import NO_LINK, Folder
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format.layout import HOME, RECENT
from asimov.storage._model.names import from_disk

QUARANTINE = "quarantine"


def folder_of(home: Folder) -> Folder:
    """Open the quarantine of a Store; make it if necessary."""
    return durable_folder(home, QUARANTINE)


def durable_folder(above: Folder, name: str) -> Folder:
    """Open a folder, or make it, so that it survives a power cut: a file is about to be moved there."""
    above.make_folder(name)
    above.sync()
    return above.folder(name)


def free_name(folder: Folder, name: str) -> str:
    """Return a name that is free in `folder`: `name`, or `name` with a number."""
    candidate, number = name, 1
    while folder.status(candidate) is not None:
        number += 1
        candidate = f"{name}.{number}"
    return candidate


def keep_aside(source: Folder, name: str, target: Folder) -> None:
    """Link a file into `target`, and close that folder: the file's first name is about to be replaced."""
    with target:
        free = free_name(target, name)
        try:
            source.link(name, target, free)
        except OSError as error:
            if error.errno not in NO_LINK:
                raise
            with files.opened(source, name) as old, Temporary(target, temporary.owner_name()) as copy:
                copy.write(files.read_all(old))
                copy.sync()
                copy.rename(target, free)
        target.sync()


def move_aside(root: Folder, home: Folder, path: Path) -> None:
    """Move a file into quarantine, below EVENT/PRODUCTION if it has these; an entry also stays in its place."""
    below = [*map(from_disk, path.relative_to(root.path).parts)]
    if below[0] == HOME:
        with home.folder(RECENT) as recent:
            keep_aside(recent, path.name, folder_of(home))
        return
    with contextlib.ExitStack() as stack:
        source = root
        for name in below[:-1]:
            source = stack.enter_context(source.folder(name))
        target = stack.enter_context(folder_of(home))
        for name in below[:-1]:
            target = stack.enter_context(durable_folder(target, name))
        source.rename(below[-1], target, free_name(target, below[-1]))
        target.sync()
