"""Stores for final result files: written once, read only, verified by hash when they go in and when they come out."""

from __future__ import annotations

from typing import Any

from asimov.storage._model.check import Check, Status
from asimov.storage._model.errors import (
    AlreadyPresentException,
    FileSystemError,
    HashError,
    InvalidNameError,
    ManifestError,
    NotAStoreError,
    RecordExistsError,
    RecordNotFoundError,
    SourceChangedError,
    StorageError,
    StoreExistsError,
    StoreReadOnlyError,
)
from asimov.storage._model.record import Record
from asimov.storage._model.reports import RepairReport, VerificationReport

from ._manifest import Manifest
from ._store import Store
from ._version import __version__ as __version__

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
    "SourceChangedError",
    "Status",
    "StorageError",
    "Store",
    "StoreExistsError",
    "StoreReadOnlyError",
    "VerificationReport",
]


def load_ipython_extension(ipython: Any) -> None:
    """Register ``%locutus``; ``%load_ext asimov.storage`` calls this."""
    from . import magics

    magics.load_ipython_extension(ipython)
