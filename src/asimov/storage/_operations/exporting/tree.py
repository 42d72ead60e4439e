"""Tree: a new folder that is filled under a temporary name, and gets its own name once all of it is durable."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from asimov.storage._bytes.descriptors import write_all
from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import DESTINATION, Folder, Reporting
from asimov.storage._model.names import from_disk, on_disk

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Tree:
    """A folder that is being filled.

    Parameters
    ----------
    root : Path
        Where it is now.
    dest : Path
        Where it will be; for messages.
    """

    def __init__(self, root: Path, dest: Path) -> None:
        self._root, self._dest = root, dest
        self._folders = {root}

    def write(self, path: str, text: bytes) -> None:
        """Write a file with this text."""
        self.fill(path, lambda descriptor, writing: _write(descriptor, text, writing))

    def fill(self, path: str, write: Callable[[int, Reporting], object]) -> int:
        """Make a file, let `write` write into its descriptor, and return its size; `writing` names it in errors."""
        writing = Reporting(self._dest / on_disk(path), side=DESTINATION)
        with self.folder_of(path) as folder:
            descriptor = self._created(folder, path, writing)
        try:
            write(descriptor, writing)
            with writing:
                os.fsync(descriptor)
                return os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)

    def _created(self, folder: Folder, path: str, writing: Reporting) -> int:
        with writing:
            try:
                return os.open(on_disk(PurePosixPath(path).name), _NEW, 0o666, dir_fd=folder.descriptor)
            except FileExistsError:
                msg = "this file system takes it for the name of another exported file; give another layout"
                raise FileExistsError(errno.EEXIST, msg, str(self._dest / on_disk(path))) from None

    def folder_of(self, path: str) -> Folder:
        """Open the folder of a path; make it, and those above it, as needed."""
        folder = (self._root / on_disk(path)).parent
        missing = []
        while folder not in self._folders:
            missing.append(folder)
            folder = folder.parent
        for new in reversed(missing):
            with Reporting(new, side=DESTINATION), contextlib.suppress(FileExistsError):
                new.mkdir()
            self._folders.add(new)
        with contextlib.suppress(OSError):
            os.utime(self._root)  # shows on other computers that the export is alive
        return Folder.open((self._root / on_disk(path)).parent, DESTINATION)

    def sync(self) -> None:
        """Send the entries of all folders to the disk, the lowest first."""
        for path in sorted(self._folders, key=lambda folder: len(folder.parts), reverse=True):
            with Folder.open(path, DESTINATION) as folder:
                folder.sync()


def _write(descriptor: int, text: bytes, writing: Reporting) -> None:
    with writing:
        write_all(descriptor, text)


@contextlib.contextmanager
def new_tree(dest: Path) -> Iterator[Tree]:
    """Yield a Tree to fill, which is at `dest` after the ``with`` block; after an error nothing is left of it.

    What killed exports left beside it is removed.

    Raises
    ------
    FileExistsError
        Something is at `dest` already.
    """
    require_nothing(dest)
    made = files.make_root(dest.parent, DESTINATION)
    try:
        with Folder.open(dest.parent, DESTINATION) as above:
            temporary.sweep_folders(above)
            name = temporary.OUR_PREFIX + temporary.owner_name()
            try:
                with Reporting(dest, side=DESTINATION):
                    above.at(name).mkdir()
                tree = Tree(above.at(name), dest)
                yield tree
                tree.sync()
                _publish(above, name, dest)
            except BaseException:
                shutil.rmtree(above.at(name), ignore_errors=True)
                raise
    except BaseException:
        files.remove_folders(made)
        raise


def _publish(above: Folder, name: str, dest: Path) -> None:
    """Rename the folder `name` to `dest`, which replaces nothing: at most a folder that is empty at this moment."""
    require_nothing(dest)
    try:
        above.rename(name, above, from_disk(dest.name))
    except OSError as error:
        require_nothing(dest, error)
        raise
    try:
        above.sync()
    except BaseException:
        shutil.rmtree(dest, ignore_errors=True)
        raise


def require_nothing(dest: Path, cause: OSError | None = None) -> None:
    """Raise FileExistsError if something is at `dest` already."""
    if os.path.lexists(dest):
        msg = "something is there already, and an export replaces nothing; move it away, or give another dest"
        raise FileExistsError(errno.EEXIST, msg, str(dest)) from cause
