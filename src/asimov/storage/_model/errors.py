"""What can go wrong, as one tree.

::

    StorageError (Exception)
    ├── NotAStoreError
    ├── ManifestError
    │   ├── ManifestLostError       also a NotAStoreError
    │   └── ManifestStaleError
    ├── FileSystemError             also an OSError
    ├── StoreReadOnlyError          also an OSError
    ├── InvalidNameError            also a ValueError
    ├── HashError
    ├── RecordNotFoundError         also a KeyError and a FileNotFoundError
    ├── AlreadyPresentException     also a FileExistsError
    ├── StoreExistsError            also a FileExistsError
    ├── RecordExistsError           also a FileExistsError
    └── SourceChangedError          also an OSError

`HashError` is neither an `OSError` nor a `ValueError`: callers that swallow those must not swallow corruption. What the
operating system refuses (a full disk, no permission) is raised as the `OSError` that it is.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .record import Record


REPAIR_IN_A_SHELL = (
    "In a shell, in the Store's folder: python -c \"from asimov.storage import Store; print(Store.repair('.'))\""
)
"""What a message ends with, without a full stop: the line can be pasted."""


class StorageError(Exception):
    """The root of all that this package raises of its own."""


class NotAStoreError(StorageError):
    """There is no Store at this place."""


class ManifestError(StorageError):
    """A manifest can't be read as one.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    line : int or None
        The line, counted from 1, where one is known.
    """

    advice = (
        "The file was left as it is; mend it, or rebuild it: in Python, Store.repair(root) says what would be done, "
        f"and Store.repair(root, dry_run=False) does it. {REPAIR_IN_A_SHELL}"
    )

    def __init__(self, problem: str, path: Path, line: int | None = None) -> None:
        self.problem, self.path, self.line = problem, path, line
        where = f"{path}, line {line}" if line is not None else str(path)
        super().__init__(f"{where}: {problem}. {self.advice}")

    def __reduce__(self) -> tuple[type[ManifestError], tuple[str, Path, int | None]]:
        return type(self), (self.problem, self.path, self.line)


class ManifestLostError(ManifestError, NotAStoreError):
    """A Store's manifest is gone, and what is beside it shows that there was one."""

    advice = (
        "Put it back, or rebuild it: in Python, Store.repair(root) says what would be done, and "
        f"Store.repair(root, dry_run=False) does it. {REPAIR_IN_A_SHELL}"
    )


class ManifestStaleError(ManifestError):
    """A manifest that is older than what is beside it: nothing is written on the strength of that."""

    advice = (
        "Try again in a minute, when this computer has looked again. If it stays so, an old manifest was put there: in "
        "Python, Store.repair(root) says what would be done, and Store.repair(root, dry_run=False) does it. "
        f"{REPAIR_IN_A_SHELL}"
    )


class InvalidNameError(StorageError, ValueError):
    """An event, production or file can't be called that."""


class HashError(StorageError):
    """The bytes of a file are not those that its digest promises.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    expected, actual : str
        The digests, in hexadecimal.
    """

    def __init__(self, message: str, *, path: Path, expected: str, actual: str) -> None:
        super().__init__(message)
        self.path, self.expected, self.actual = path, expected, actual

    def __reduce__(self) -> tuple[object, ...]:
        return _restore_hash_error, (str(self), self.path, self.expected, self.actual)


def _restore_hash_error(message: str, path: Path, expected: str, actual: str) -> HashError:
    return HashError(message, path=path, expected=expected, actual=actual)


class _OSStorageError(StorageError, OSError):
    """A StorageError that is one of the operating system's errors too, and reads as its message."""

    _errno = errno.EIO

    def __init__(self, message: str) -> None:
        OSError.__init__(self, self._errno, message)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message,)


class FileSystemError(_OSStorageError):
    """A file system can't do what a Store has to have to be written to."""

    _errno = errno.EOPNOTSUPP


class StoreReadOnlyError(_OSStorageError):
    """A Store can be read and not be written to: a later version of asimov-storage has written to it, say."""

    _errno = errno.EROFS


class RecordNotFoundError(_OSStorageError, KeyError, FileNotFoundError):
    """The Store has no such event, production, file or record."""

    _errno = errno.ENOENT


class AlreadyPresentException(_OSStorageError, FileExistsError):
    """The Store has a record of these bytes already.

    Attributes
    ----------
    record : Record or None
        Where they are.
    """

    _errno = errno.EEXIST

    def __init__(
        self, message: str = "The Store has a record of these bytes already.", record: Record | None = None
    ) -> None:
        super().__init__(message)
        self.record = record

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.record)


class StoreExistsError(_OSStorageError, FileExistsError):
    """A Store is there already."""

    _errno = errno.EEXIST


class RecordExistsError(_OSStorageError, FileExistsError):
    """The Store has other bytes under this name."""

    _errno = errno.EEXIST


class SourceChangedError(_OSStorageError):
    """A file was written to while it was added, so that nobody can say what would be stored.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    """

    _errno = errno.EBUSY

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} was written to while it was added. Nothing was stored; add it again when its writer is done."
        )
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.path,)
