"""Stores for final result files: written once, read only, verified by hash when they go in and when they come out."""

from __future__ import annotations

from typing import Any

from ._errors import (
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
)
from ._manifest import Manifest
from ._records import Check, Record, RepairReport, Status, VerificationReport
from ._store import Store

__version__ = "0.1.0"
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
    "VerificationReport",
]


def load_ipython_extension(ipython: Any) -> None:
    """Register ``%locutus``: what ``%load_ext asimov.storage`` calls."""
    from . import magics

    magics.load_ipython_extension(ipython)
