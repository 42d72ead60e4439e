"""Errors: everything that this package raises of its own, as one tree.

::

    StorageError (Exception)
    ├── NotAStoreError
    ├── ManifestError
    │   ├── ManifestLostError       also a NotAStoreError
    │   ├── ManifestPublishedError
    │   └── ManifestStaleError
    ├── FileSystemError             also an OSError
    ├── StoreReadOnlyError          also an OSError
    ├── InvalidNameError            also a ValueError
    ├── HashError
    ├── RetractedError
    ├── RecordNotFoundError         also a KeyError and a FileNotFoundError
    ├── AlreadyPresentException     also a FileExistsError
    ├── StoreExistsError            also a FileExistsError
    ├── RecordExistsError           also a FileExistsError
    └── SourceChangedError          also an OSError

`HashError` is neither an `OSError` nor a `ValueError`: callers that swallow those must not swallow corruption. An error
of the operating system (a full disk, no permission) is raised as the `OSError` that it is.
"""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .record import Record


REPAIR_IN_A_SHELL = (
    "In a shell, in the Store's folder: python -c \"from asimov.storage import Store; print(Store.repair('.'))\""
)
"""The end of a message. It has no full stop, so that the line can be pasted into a shell."""


class StorageError(Exception):
    """The root of all errors that this package defines."""


class NotAStoreError(StorageError):
    """There is no Store at this place."""


class ManifestError(StorageError):
    """A manifest can't be read.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    line : int or None
        The line, counted from 1, if it is known.
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
    """A Store's manifest is gone. The files beside it show that there was one."""

    advice = (
        "Put it back, or rebuild it: in Python, Store.repair(root) says what would be done, and "
        f"Store.repair(root, dry_run=False) does it. {REPAIR_IN_A_SHELL}"
    )


class ManifestStaleError(ManifestError):
    """A manifest is older than the files beside it, so nothing is written."""

    advice = (
        "Try again in a minute, when this computer has looked again. If it stays so, an old manifest was put there: in "
        "Python, Store.repair(root) says what would be done, and Store.repair(root, dry_run=False) does it. "
        f"{REPAIR_IN_A_SHELL}"
    )


class ManifestPublishedError(ManifestError):
    """The manifest of a Store on the web can't be read."""

    advice = "Only those who publish the Store can mend that. Tell them, or open a copy of it."


class InvalidNameError(StorageError, ValueError):
    """An event, a production or a file can't have this name."""


class HashError(StorageError):
    """The bytes of a file don't have the expected digest.

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
    """A StorageError that is also an OSError, and whose text is just its message."""

    _errno = errno.EIO

    def __init__(self, message: str) -> None:
        OSError.__init__(self, self._errno, message)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message,)


class FileSystemError(_OSStorageError):
    """A file system lacks something that is needed to write to a Store."""

    _errno = errno.EOPNOTSUPP


class StoreReadOnlyError(_OSStorageError):
    """A Store can be read but not written to: for example, a later version of asimov-storage has written to it."""

    _errno = errno.EROFS


class RecordNotFoundError(_OSStorageError, KeyError, FileNotFoundError):
    """The Store has no such event, production, file or record."""

    _errno = errno.ENOENT


class AlreadyPresentException(_OSStorageError, FileExistsError):
    """The Store has a record of these bytes already.

    Attributes
    ----------
    record : Record or None
        The record that has them.
    """

    _errno = errno.EEXIST

    def __init__(
        self, message: str = "The Store has a record of these bytes already.", record: Record | None = None
    ) -> None:
        super().__init__(message)
        self.record = record

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.record)


class RetractedError(StorageError):
    """A record was retracted: its file should not be used any more.

    Attributes
    ----------
    record : Record or None
        The record.
    reason : str
        Why it was retracted.
    superseded_by : Record or None
        The record to use instead, if there is one.
    """

    def __init__(
        self,
        message: str,
        *,
        record: Record | None = None,
        reason: str = "",
        superseded_by: Record | None = None,
    ) -> None:
        super().__init__(message)
        self.record, self.reason, self.superseded_by = record, reason, superseded_by

    def __reduce__(self) -> tuple[object, ...]:
        more = {"record": self.record, "reason": self.reason, "superseded_by": self.superseded_by}
        return partial(type(self), **more), self.args  # type: ignore[arg-type]


class StoreExistsError(_OSStorageError, FileExistsError):
    """There is a Store in this place already."""

    _errno = errno.EEXIST


class RecordExistsError(_OSStorageError, FileExistsError):
    """The Store has other bytes under this name."""

    _errno = errno.EEXIST


class SourceChangedError(_OSStorageError):
    """A file was written to while it was added, so that it is unclear which bytes would be stored.

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
