"""Temporary files, named after the process that owns them, so that others can tell whether it is still running."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import stat
import time
from pathlib import Path
from typing import Self

from asimov.storage._bytes.descriptors import write_all

from . import files
from .files import take_acl
from .folder import Folder, Reporting

KEPT_WHILE_OPEN = (".nfs", ".fuse_hidden")
"""Prefixes of the names that NFS and libfuse give to removed files as long as they are open."""
FOLDER = "tmp"
"""The folder, in ``.manifest``, of temporary files that will be renamed to files of ``.manifest``."""
OUR_PREFIX = ".asimov-storage-"
"""The prefix of our temporary files' names in folders that are not ours alone."""
_ABANDONED = 86_400.0
"""Seconds after which such a file, of another host, counts as abandoned."""


class Temporary:
    """A temporary file in `folder`, which is removed at the end of the ``with`` block unless it was renamed."""

    def __init__(self, folder: Folder, name: str) -> None:
        self.folder, self.name = folder, name
        self.descriptor, self._is_new, self._is_there = folder.create(name, unique=True), True, True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
        self.close()

    def remove(self) -> None:
        """Remove its temporary name."""
        if self._is_there:
            self.folder.remove(self.name)
            self._is_there = False

    def rename(self, target: Folder, name: str) -> None:
        """Move it to `name` in `target`, over what is there."""
        self.folder.rename(self.name, target, name)
        self._is_there = False

    def close(self) -> None:
        """Close the descriptor, unless another object took it over."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def renew(self) -> None:
        """Begin again with a new file, after another process removed this one."""
        self.remove()
        self.close()
        self.name = owner_name()
        self.descriptor, self._is_new, self._is_there = self.folder.create(self.name, unique=True), True, True

    def write(self, *pieces: bytes) -> None:
        """Write `pieces` as the whole content of the file."""
        if not self._is_new:
            os.lseek(self.descriptor, 0, os.SEEK_SET)
            os.ftruncate(self.descriptor, 0)
        self._is_new = False
        with Reporting(self.folder, self.name):
            for piece in pieces:
                write_all(self.descriptor, piece)

    def sync(self) -> None:
        """Send the file's content to the disk."""
        with Reporting(self.folder, self.name):
            os.fsync(self.descriptor)

    def take_permissions(self, descriptor: int) -> None:
        """Copy the group, the access-control list and the permissions of another open file."""
        model, own = os.fstat(descriptor), os.fstat(self.descriptor)
        if model.st_gid != own.st_gid:
            with contextlib.suppress(PermissionError):
                os.fchown(self.descriptor, -1, model.st_gid)
        if take_acl(descriptor, self.descriptor):
            own = os.fstat(self.descriptor)
        if model.st_mode != own.st_mode:
            os.fchmod(self.descriptor, stat.S_IMODE(model.st_mode))

    def touch(self) -> None:
        """Show that its owner is alive."""
        with contextlib.suppress(OSError):
            os.utime(self.descriptor)

    @property
    def present(self) -> bool:
        """Whether its temporary name is still there and still belongs to this file."""
        self.folder.refresh()
        found = self.folder.status(self.name)
        try:
            return found is not None and found.st_ino == os.fstat(self.descriptor).st_ino
        except OSError:  # ESTALE
            return False

    @property
    def modified(self) -> float:
        """When the file was last written, in seconds, by the file system's own clock."""
        return os.fstat(self.descriptor).st_mtime


def write_over(home: Folder, name: str, text: bytes) -> None:
    """Write over a file of ``.manifest`` in place, or create it. A power cut may leave it torn."""
    try:
        files.write_over(home, name, text)
    except (FileNotFoundError, PermissionError):  # there is no such file yet, or it is another user's
        with home.folder_made(FOLDER) as tmp, Temporary(tmp, owner_name()) as file:
            file.write(text)
            file.rename(home, name)


def owner_name() -> str:
    """Return a name for a temporary file of this process: host, process id, and random digits that make it unique."""
    return f"{_processes()}-{os.getpid()}-{os.urandom(8).hex()}"


@functools.cache
def host() -> str:
    """Return the name of this machine, spelled as in the names of files."""
    import socket  # takes milliseconds, which a reader needn't pay

    return "".join(c if c.isalnum() else "_" for c in socket.gethostname())[:64]


@functools.cache
def _processes() -> str:
    """Return the name of the scope of a process id: this machine and, if known, the namespace of its processes."""
    try:
        return f"{host()}_{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return host()


_NAME = re.compile(r"[^-.]+-[0-9]+-[0-9a-f]{1,32}").fullmatch


def is_temporary(name: str) -> bool:
    """Return whether a name is one that `owner_name` returns, here or on another computer."""
    return _NAME(name) is not None


def owner(name: str) -> str:
    """Return the part of a temporary file's name that names its process; the whole name if it has no such part."""
    machine, process, *rest = [*name.split("-"), "", ""]
    return f"{machine}-{process}" if process.isdigit() and rest[0] else name


def owner_is_dead(name: str) -> bool:
    """Return whether the process in a temporary file's name is known to be gone: it ran here, and no longer does."""
    machine, _, process = owner(name).partition("-")
    if not process.isdigit() or machine != _processes():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def sweep(folder: Folder) -> None:
    """Remove from a folder the files under `OUR_PREFIX` that killed processes left there."""
    for name in folder.names():
        owner = name.removeprefix(OUR_PREFIX)
        if owner != name and (owner_is_dead(owner) or _is_old(folder, name)):
            folder.remove(name)


def sweep_folders(folder: Folder) -> None:
    """Remove from a folder the folders under `OUR_PREFIX` that killed processes left there, with all that they hold."""
    for name in folder.names():
        owner = name.removeprefix(OUR_PREFIX)
        if owner != name and is_temporary(owner) and (owner_is_dead(owner) or _is_old(folder, name)):
            shutil.rmtree(folder.at(name), ignore_errors=True)  # which leaves files and symbolic links alone


def _is_old(folder: Folder, name: str) -> bool:
    found = folder.status(name)
    return found is not None and abs(time.time() - found.st_mtime) > _ABANDONED  # clocks differ, even by years
