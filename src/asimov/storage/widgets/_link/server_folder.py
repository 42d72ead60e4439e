"""A folder of the server's own disk, and the files below it.

Nothing outside that folder can be reached: not by ``..``, not by an absolute path, and not by a symbolic link that
somebody creates while a file is being opened. Each part of a path is opened relative to the part before it, without
following links.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._model.names import meant, spelled

from .messages import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 50
"""The largest number of paths that are suggested."""

_SEEN = 100_000
"""The largest number of matching entries of a folder that are read for suggestions."""
_NOT_FOLLOWED = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}


class ServerFolder:
    """A folder, and the files below it.

    Parameters
    ----------
    root : str or os.PathLike
        The folder. Its path may contain links.

    Raises
    ------
    NotADirectoryError, FileNotFoundError
        There is no such folder.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).expanduser().resolve(strict=True)
        if not self.root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(root))

    def complete(self, typed: str, *, only_folders: bool = False) -> tuple[list[str], int]:
        """Return up to 50 paths that begin with `typed`, and the number of all such paths.

        Folders end in ``/``. Links are left out. So are hidden files, unless the last part of `typed` begins with a
        dot.
        """
        above, _, begun = self._relative(typed).rpartition("/")
        with self._folder(self._parts(above)) as folder, os.scandir(folder) as entries:
            shown = (entry for entry in entries_of(entries, begun) if not entry.is_symlink())
            names = [meant(e.name) + ("/" if e.is_dir(follow_symlinks=False) else "") for e in shown]
        names = sorted(name for name in names if name.endswith("/") or not only_folders)
        return [f"{above}/{name}" if above else name for name in names[:MOST]], len(names)

    def below(self, path: str) -> Path:
        """Return a path below the folder, without links, or raise RefusedError if it is not below the folder."""
        place = self.root.joinpath(*map(spelled, self._parts(self._relative(path)))).resolve()
        if not place.is_relative_to(self.root):
            raise self._beyond(path)
        return place

    def open(self, path: str) -> int:
        """Open a file for reading, and return its descriptor.

        Raises
        ------
        RefusedError
            The path is not below the folder, one of its parts is a link, or it is not a regular file.
        FileNotFoundError, PermissionError, OSError
            The operating system can't open the file.
        """
        *above, name = self._parts(self._relative(path)) or [""]
        with self._folder(above) as folder:
            # Without O_NONBLOCK, opening a pipe would wait for its writer.
            descriptor = self._open(name or ".", os.O_RDONLY | os.O_NONBLOCK, folder, path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            msg = f"{path} is no regular file. Choose a file."
            raise RefusedError(msg)
        return descriptor

    def _relative(self, path: str) -> str:
        """Return a path relative to the folder. An absolute path must be below the folder."""
        if "\0" in path:
            msg = "A path can't hold a NUL character."
            raise RefusedError(msg)
        if not path.startswith("/"):
            return path
        root = str(self.root).rstrip("/")
        if path == root or path.startswith(f"{root}/"):
            return path[len(root) :].lstrip("/")
        raise self._beyond(path)

    def _parts(self, path: str) -> list[str]:
        parts = [part for part in path.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise self._beyond(path)
        return parts

    def _beyond(self, path: str) -> RefusedError:
        return RefusedError(f"{path} is not below {self.root}. Give a path below that folder.")

    @contextmanager
    def _folder(self, parts: list[str]) -> Iterator[int]:
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for place, part in enumerate(parts):
                path = "/".join(parts[: place + 1])
                below = self._open(part, os.O_RDONLY | os.O_DIRECTORY, descriptor, path)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int, folder: int, path: str) -> int:
        try:
            return os.open(spelled(name), flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as exc:
            if exc.errno in _NOT_FOLLOWED and stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
                msg = f"{path} is a symbolic link, and links are not followed here. Give the path of the file itself."
                raise RefusedError(msg) from exc
            raise OSError(exc.errno, os.strerror(exc.errno or 0), path) from exc


def entries_of(entries: Iterator[os.DirEntry[str]], begun: str) -> Iterator[os.DirEntry[str]]:
    """Yield those entries of a folder to suggest for a name that was begun. Hidden ones need a dot as its beginning."""
    for entry in islice((entry for entry in entries if entry.name.startswith(begun)), _SEEN):
        if begun.startswith(".") or not entry.name.startswith("."):
            yield entry


def is_of_a_session() -> bool:
    """Return whether a Jupyter session has started this kernel. Its user may run any code in it anyway."""
    return "JPY_SESSION_NAME" in os.environ and not os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")
