"""The folders of the server in which a page may have copies looked for, and their suggestions.

As for dropped files (see _uploading/dropped.py), a user of a notebook may name any folder that its kernel can read.
Elsewhere the user of a page may be a stranger, so only folders below a `server_root` can be named.
"""

from __future__ import annotations

import os
from pathlib import Path

from asimov.storage._model.names import meant, spelled
from asimov.storage.widgets._link.messages import RefusedError
from asimov.storage.widgets._link.server_folder import MOST, ServerFolder, entries_of, is_of_a_session


class Folders:
    """The folders that a page may name.

    Parameters
    ----------
    root : str or os.PathLike, optional
        The folder outside which none can be named.
    """

    def __init__(self, root: str | os.PathLike[str] | None) -> None:
        self.within = None if root is None else ServerFolder(root)

    @property
    def any(self) -> bool:
        """Whether the page may name a folder at all."""
        return self.within is not None or is_of_a_session()

    def complete(self, typed: str) -> tuple[list[str], int]:
        """Return up to 50 paths of folders that begin with `typed`, and the number of all such paths."""
        if self.within is not None:
            return self.within.complete(typed, only_folders=True)
        begun = typed.rpartition("/")[2]
        above = typed[: len(typed) - len(begun)]
        with os.scandir(_place(above or ".")) as entries:
            names = sorted(meant(entry.name) for entry in entries_of(entries, begun) if entry.is_dir())
        return [f"{above}{name}/" for name in names[:MOST]], len(names)

    def folder(self, typed: str) -> Path:
        """Return the folder that was typed, or raise RefusedError."""
        if not typed:
            msg = "Name a folder that has copies of these files."
            raise RefusedError(msg)
        place = _place(typed) if self.within is None else self.within.below(typed)
        if not place.is_dir():
            msg = f"There is no folder {typed} on the server. Name a folder that has copies of these files."
            raise RefusedError(msg)
        return place


def _place(typed: str) -> Path:
    if "\0" in typed:
        msg = "A path can't hold a NUL character."
        raise RefusedError(msg)
    try:
        return Path(spelled(typed)).expanduser().absolute()
    except RuntimeError as exc:
        msg = f"There is no such user's home as in {typed}. Name the folder from the root of the server."
        raise RefusedError(msg) from exc
