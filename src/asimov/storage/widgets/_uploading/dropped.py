"""Files and folders that are dropped from Jupyter's own file browser, found on the server's disk.

Their paths are relative to the folder that the Jupyter server shows. A kernel isn't told which folder that is. These
folders are tried in turn: the one that JupyterLab tells the page, the one in the environment variable
JUPYTER_SERVER_ROOT, the one from which the notebook's path leads to the working folder, and the working folder itself.
The first of them in which the path exists is used.

A user of a notebook can read any file that its kernel can read. So in a kernel that a Jupyter session has started, any
dropped file that the kernel can read is accepted. Elsewhere (Voilà, Panel, a web app) the user of a page may be a
stranger, so no dropped file is accepted. A `server_root` replaces both rules: files below it are accepted, and no
others.
"""

from __future__ import annotations

import os
import re
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._disk.files import open_source
from asimov.storage._model.names import meant, spelled
from asimov.storage.widgets._link.messages import RefusedError
from asimov.storage.widgets._link.server_folder import is_of_a_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asimov.storage.widgets._link.messages import State
    from asimov.storage.widgets._link.server_folder import ServerFolder

MOST = 10_000
"""The largest number of files that are found in one drop."""

_DRIVE = re.compile(r"^[\w-]+:(?!/)")
"""The prefix of a path on another drive than the server's disk. Documents that several users edit have one too."""


@dataclass
class Found:
    """The files of one drop that were found, the number of hidden ones, and the problems."""

    files: list[State] = field(default_factory=list)
    hidden: int = 0
    problems: list[str] = field(default_factory=list)


class Dropped:
    """Finds the files that are dropped, and opens the files that it has found.

    Parameters
    ----------
    within : ServerFolder or None
        The folder outside which no file is accepted.
    """

    def __init__(self, within: ServerFolder | None) -> None:
        self._within = within
        self._offered: set[str] = set()
        self._lock = threading.Lock()

    def look(self, paths: list[str], root: str) -> Found:
        """Find the dropped files, and all files in the dropped folders except hidden ones.

        Parameters
        ----------
        paths : list of str
            The dropped paths, as the file browser has them.
        root : str
            The server's folder, if the page knows it; else an empty text.
        """
        if self._within is None and not is_of_a_session():
            msg = (
                "Only a notebook's own kernel takes files from Jupyter's file browser. Choose files of your own disk, "
                "or give the Uploader a server_root."
            )
            raise RefusedError(msg)
        found = Found()
        for path in paths:
            self._look_at(path, root, found)
        with self._lock:
            self._offered |= {str(one["path"]) for one in found.files}
        return found

    def has_offered(self, path: str) -> bool:
        """Return whether a path was found by `look`."""
        with self._lock:
            return path in self._offered

    def open(self, path: str) -> int:
        """Open a file that `look` has found, and return its descriptor."""
        if not self.has_offered(path):
            msg = f"{path} was not dropped here. Drop it again."
            raise RefusedError(msg)
        return open_source(Path(spelled(path))) if self._within is None else self._within.open(path)

    def _look_at(self, path: str, root: str, found: Found) -> None:
        place = _place_of(path, root)
        if place is not None and self._within is not None:
            place = place.resolve()  # when the file is opened, links on the way to it are not followed
        if place is None:
            found.problems.append(f"{path} is not on the disk that this kernel sees, so it can't be stored from here.")
        elif self._within is not None and not place.is_relative_to(self._within.root):
            found.problems.append(f"{path} is not below {self._within.root}, and no other files are taken here.")
        elif place.is_dir():
            self._look_into(place, found)
        else:
            self._take(place, place.name, found)

    def _look_into(self, folder: Path, found: Found) -> None:
        for above, folders, files in os.walk(folder):
            found.hidden += sum(name.startswith(".") for name in (*folders, *files))
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in files if not name.startswith(".")):
                place = Path(above, name)
                self._take(place, str(Path(folder.name, place.relative_to(folder))), found)
                if len(found.files) > MOST:
                    return

    def _take(self, place: Path, shown: str, found: Found) -> None:
        try:
            status = place.stat()
        except OSError as exc:
            found.problems.append(f"{place}: {exc.strerror}.")
            return
        if stat.S_ISREG(status.st_mode):
            found.files.append({"path": meant(str(place)), "shown": meant(shown), "size": status.st_size})
        else:
            found.problems.append(f"{place} is no regular file.")


def _place_of(path: str, root: str) -> Path | None:
    """Return the place on disk of a path of the file browser, or None if it isn't found."""
    if "\0" in path or ".." in path.split("/"):
        return None
    for relative in (path, _DRIVE.sub("", path)):
        for folder in _roots(root):
            place = folder / spelled(relative.lstrip("/"))
            if os.path.lexists(place):
                return place
    return None


def _roots(root: str) -> Iterator[Path]:
    """Yield the folders that may be the server's, the most reliable first."""
    for told in (root, os.environ.get("JUPYTER_SERVER_ROOT", "")):
        if told and "\0" not in told and (folder := Path(told).expanduser()).is_absolute():
            yield folder
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))
    working = Path.cwd()
    if not notebook.is_absolute() and working.parts[-len(notebook.parent.parts) :] == notebook.parent.parts:
        yield Path(*working.parts[: -len(notebook.parent.parts)])
    yield working
