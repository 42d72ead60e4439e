"""Folder: an open folder, and the operations on the files in it.

A folder is held open by its descriptor, and its files are opened relative to that (``openat``). Symbolic links are
never followed, except for the root itself.

A `Folder` takes and returns names as they are recorded. On the disk they are UTF-8, whatever the locale. A Path is what
Python can open here: `on_disk` spelled its parts.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
from pathlib import Path
from typing import NamedTuple, Self, cast

from asimov.storage._model.errors import StorageError
from asimov.storage._model.names import from_disk, on_disk

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_LINK_REFUSED = {errno.ELOOP, errno.EMLINK, getattr(errno, "EFTYPE", errno.ELOOP)}
GONE = {errno.ENOENT, errno.ESTALE}
"""Errors of a file that has been removed: NFS returns either."""
STALE = {errno.ESTALE, errno.EBADF}
"""Errors of a file that exists and that NFS can't open or read, because an NFS 4 client has lost its state."""
NO_LINK = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES}
"""Errors of a file system that gives a file no second name, or none in another folder (AFS, BeeGFS)."""
_OF_A_DISK = {
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "ESTALE", "ENXIO", "ENODEV", "EREMOTEIO", "ETIMEDOUT")
    if hasattr(errno, name)
}
"""Errors about a disk as a whole. Their messages have to say which disk."""
STORE, SOURCE, DESTINATION = "the Store's disk", "your file", "the destination"
_UNFINISHED = 0o700
"""The permissions of a new folder, until it gets those of the folder above."""


class Stamp(NamedTuple):
    """The values that tell whether a file is still the same one, with the same bytes."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, descriptor: int) -> Stamp:
        """Return the stamp of an open file."""
        found = os.fstat(descriptor)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def fits(self, found: os.stat_result | None) -> bool:
        """Return whether `found` is this file, not written to since; it may have been given other names meanwhile."""
        now = found and (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        return now == self[:4]


class Reporting:
    """Write the whole path into the operating system's errors and, if they are about a disk, which disk it is.

    A call is given a part of the path, or an open file, so its error doesn't have the whole path. The path is put
    together only if there is an error: an add makes three dozen calls, and a Path takes as long as one call. An object
    may be used many times, and around others. The one nearest to the error counts.
    """

    def __init__(self, *path: Path | Folder | str, side: str = "") -> None:
        self._path = path
        self._side = side or (path[0].side if isinstance(path[0], Folder) else SOURCE)

    def __enter__(self) -> None:
        """Enter the block; only its errors matter."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if not isinstance(error, OSError) or isinstance(error, StorageError) or error.errno is None:
            return
        if not isinstance(error.filename, str) or not (Path(error.filename).is_absolute() or "://" in error.filename):
            error.filename = str(_joined(*self._path))
            del error.filename2  # None would be shown, too
        if error.errno in _OF_A_DISK and error.strerror == os.strerror(error.errno):
            error.strerror = f"{error.strerror} ({self._side})"


def _joined(*parts: Path | Folder | str) -> Path:
    """Join a path; a str is a name."""
    return Path(*(on_disk(part) if isinstance(part, str) else part for part in parts))


class Folder:
    """An open folder. Use it in a ``with`` statement."""

    def __init__(self, descriptor: int, above: Path | Folder, name: str = "", *, side: str = STORE) -> None:
        self.descriptor, self._above, self._name = descriptor, above, name
        self.side: str = above.side if isinstance(above, Folder) else side
        """The name of its disk in the error of a full or broken disk."""

    @functools.cached_property
    def path(self) -> Path:
        """The path of the folder."""
        return _joined(self._above, self._name)

    @property
    def above(self) -> Folder:
        """The open folder in which this one was opened."""
        return cast("Folder", self._above)

    def __fspath__(self) -> str:
        return str(self.path)

    def at(self, name: str) -> Path:
        """Return the path of `name` in this folder."""
        return Path(f"{self.path}/{on_disk(name)}")  # half the time of self.path / name

    @classmethod
    def open(cls, path: Path, side: str = STORE) -> Folder:
        """Open the folder at `path`, which may be a symbolic link: for a root."""
        with Reporting(path, side=side):
            return cls(os.open(path, _FOLDER), path, side=side)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder; a second call does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def folder(self, name: str) -> Folder:
        """Open a folder in this one, never through a symbolic link."""
        with Reporting(self, name):
            try:
                return Folder(os.open(on_disk(name), _FOLDER | _NOFOLLOW, dir_fd=self.descriptor), self, name)
            except NotADirectoryError:
                self._refuse_link(name)
                raise

    def folder_made(self, name: str) -> Folder:
        """Open a folder in this one; make it first, as `make_folder` does, if it isn't there."""
        try:
            return self.folder_to_fill(name)
        except FileNotFoundError:
            self.make_folder(name)
            return self.folder(name)

    def folder_to_fill(self, name: str) -> Folder:
        """Open a folder in this one to put files in; finish what `make_folder` began in a process that was killed."""
        found = self.folder(name)
        here = os.fstat(found.descriptor)
        if stat.S_IMODE(here.st_mode) == _UNFINISHED and here.st_uid == os.geteuid() and not found.names():
            found.follow(self)
        return found

    def follow(self, above: Folder) -> None:
        """Copy the group and the permissions of the folder above."""
        model = os.fstat(above.descriptor)
        _follow(self.descriptor, model, _UNFINISHED | (model.st_mode & (stat.S_ISGID | 0o077)))

    def make_folder(self, name: str) -> bool:
        """Make a folder with this one's group and permissions; return False if it is there already."""
        with Reporting(self, name):
            try:
                os.mkdir(on_disk(name), _UNFINISHED, dir_fd=self.descriptor)
            except FileExistsError:
                with contextlib.suppress(OSError):
                    self.folder_to_fill(name).close()
                return False
            try:
                with self.folder(name) as made:
                    made.follow(self)
            except BaseException:
                self.remove_folder(name)
                raise
        return True

    def create(self, name: str, *, unique: bool = False) -> int:
        """Create a file with this folder's group and permissions, and open it for reading and writing.

        `unique` says that nobody else gives this name, so that O_EXCL is left out. An NFS server marks an exclusive
        creation by the file's times for a moment, and so others would take the new file for an old one.

        Raises
        ------
        FileExistsError
            This name exists already.
        """
        flags = os.O_RDWR | os.O_CREAT | (0 if unique else os.O_EXCL) | _FILE
        with Reporting(self, name):
            above = os.fstat(self.descriptor)
            mode = _file_mode(above)
            descriptor = os.open(on_disk(name), flags, mode, dir_fd=self.descriptor)
            try:
                _follow(descriptor, above, mode)
            except BaseException:
                os.close(descriptor)
                self.remove(name)
                raise
        return descriptor

    def open_file(self, name: str, flags: int = os.O_RDONLY) -> int:
        """Open a regular file in this folder, never through a symbolic link, never waiting for a FIFO."""
        try:  # a path is made only for an error: verification may open hundreds of thousands of files
            descriptor = os.open(on_disk(name), flags | _FILE, dir_fd=self.descriptor)
        except OSError as error:
            with Reporting(self, name):
                if error.errno in _LINK_REFUSED:
                    self._refuse_link(name)
                raise
        try:
            require_regular(descriptor, self, name)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def link(self, source: str, target: Folder, name: str) -> None:
        """Link a file of this folder to a second name; never replace a file."""
        with Reporting(target, name):
            old, new = on_disk(source), on_disk(name)
            try:
                os.link(old, new, src_dir_fd=self.descriptor, dst_dir_fd=target.descriptor, follow_symlinks=False)
            except OSError as error:
                if error.errno != errno.EEXIST and (error.errno not in NO_LINK or target.status(name) is None):
                    raise
                if not self._linked(source, target, name):  # SFTP has no EEXIST: sshfs returns EPERM
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None

    def _linked(self, source: str, target: Folder, name: str) -> bool:
        """Return whether both names are of one file: NFS may repeat a successful request whose answer was lost."""
        here, there = self.status(source), target.status(name)
        return here is not None and there is not None and os.path.samestat(here, there)

    def rename(self, source: str, target: Folder, name: str) -> None:
        """Move a file of this folder to `name` in `target`; replace the file that is there."""
        with Reporting(target, name):
            old, new = on_disk(source), on_disk(name)
            os.rename(old, new, src_dir_fd=self.descriptor, dst_dir_fd=target.descriptor)

    def remove(self, name: str) -> bool:
        """Remove a file; return whether it is gone. A file that we may not remove is left for the next sweep."""
        try:
            os.unlink(on_disk(name), dir_fd=self.descriptor)
        except OSError as error:
            return error.errno in GONE
        return True

    def remove_folder(self, name: str) -> None:
        """Remove a folder if it is empty."""
        with contextlib.suppress(OSError):
            os.rmdir(on_disk(name), dir_fd=self.descriptor)

    def names(self) -> list[str]:
        """Return the names of all that is in this folder."""
        with Reporting(self):
            return list(map(from_disk, os.listdir(self.descriptor)))  # noqa: PTH208 - of the open folder

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of `name` itself, not of the target of a link; None if it doesn't exist."""
        try:
            return os.stat(on_disk(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError:
            with Reporting(self, name):
                raise

    def refresh(self) -> None:
        """Open this folder by its name once more, so that NFS asks the server for the current names in it.

        An NFS client trusts its cached names of a folder for up to a minute, even when it opens a file by its name. It
        asks the server when the folder itself is opened by its name (Linux, fs/nfs/dir.c: nfs_lookup_verify_inode).
        """
        above = self._above.descriptor if isinstance(self._above, Folder) else -1
        with contextlib.suppress(OSError):
            os.close(os.open(self._name, _FOLDER, dir_fd=above) if above >= 0 else os.open(self.path, _FOLDER))

    def stir(self, name: str) -> None:
        """Make and remove a file with a new, unique name: an NFS client reads the folder again after its own change."""
        with contextlib.suppress(OSError):
            os.close(self.create(name, unique=True))
        self.remove(name)

    def sync(self) -> None:
        """Send this folder's entries to the disk."""
        with Reporting(self):
            os.fsync(self.descriptor)

    def _refuse_link(self, name: str) -> None:
        found = self.status(name)
        if found is not None and stat.S_ISLNK(found.st_mode):
            msg = "it is a symbolic link, and below its root a Store follows none; put the real thing in its place"
            raise OSError(errno.ELOOP, msg, str(self.at(name)))


def _file_mode(above: os.stat_result) -> int:
    """Return the permissions of a file in a folder: the group's and others' are the folder's."""
    return 0o600 | (above.st_mode & 0o066)


def _follow(descriptor: int, above: os.stat_result, mode: int) -> None:
    """Set `mode`, and the group of the folder above, on a new file or folder, as git's core.sharedRepository does."""
    here = os.fstat(descriptor)
    if above.st_gid != here.st_gid:
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, -1, above.st_gid)
    if stat.S_IMODE(here.st_mode) != mode:
        os.fchmod(descriptor, mode)


def require_regular(descriptor: int, *path: str | Path | Folder) -> None:
    """Raise an OSError if an open file is not a regular one."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(_joined(*path)))
    raise OSError(errno.EINVAL, "it is not a regular file, and only regular files can be stored", str(_joined(*path)))
