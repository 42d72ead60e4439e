"""Stores for final result files: written once, read only, verified by hash when they go in and when they come out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asimov.storage._model.errors import (
    AlreadyPresentException,
    FileSystemError,
    HashError,
    InvalidNameError,
    ManifestError,
    NotAStoreError,
    RecordExistsError,
    RecordNotFoundError,
    RetractedError,
    SourceChangedError,
    StorageError,
    StoreExistsError,
    StoreReadOnlyError,
)
from asimov.storage._model.record import Record

from ._manifest import Manifest
from ._store import Store
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from asimov.storage._model.check import Check, Status
    from asimov.storage._model.reports import RepairReport, RestoreReport, VerificationReport
    from asimov.storage._operations.origin import made_by

__all__ = [
    "AlreadyPresentException",
    "Check",
    "FileSystemError",
    "HashError",
    "InvalidNameError",
    "Manifest",
    "ManifestError",
    "NotAStoreError",
    "Record",
    "RecordExistsError",
    "RecordNotFoundError",
    "RepairReport",
    "RestoreReport",
    "RetractedError",
    "SourceChangedError",
    "Status",
    "StorageError",
    "Store",
    "StoreExistsError",
    "StoreReadOnlyError",
    "VerificationReport",
    "made_by",
]


def load_ipython_extension(ipython: Any) -> None:
    """Register ``%locutus``; ``%load_ext asimov.storage`` calls this."""
    from . import magics

    magics.load_ipython_extension(ipython)


# Only some processes verify or repair. The others start a little sooner without what these need.
_LATER = {"Check": "_model.check", "Status": "_model.check", "made_by": "_operations.origin"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f".{_LATER.get(name, '_model.reports')}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
