"""Opening: from an address, today always the path of a folder, to the back end of the Store there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from asimov.storage._disk import files
from asimov.storage._disk.folder import STORE, Reporting
from asimov.storage._format.layout import BACKUP, HOME, MANIFEST
from asimov.storage._model.errors import NotAStoreError, StoreExistsError

from .base import Backend
from .local.backend import LocalBackend

if TYPE_CHECKING:
    from asimov.storage._model.reports import RepairReport

Address: TypeAlias = "str | os.PathLike[str]"


def of(address: Address) -> Backend:
    """Return the back end for an address; only reading it shows whether there is a Store."""
    return LocalBackend(files.absolute(address))


def nearest() -> Backend:
    """Return the back end of the Store that is used when none is named.

    Raises
    ------
    NotAStoreError
        There is no such Store.
    """
    root = search_root()
    if root is None:
        msg = (
            f"There is no Store at or above {Path.cwd()}, and $LOCUTUS_STORE is not set. "
            "Name one, or make one with Store.create() or `locutus init`."
        )
        raise NotAStoreError(msg)
    return LocalBackend(root)


def search_root() -> Path | None:
    """Return the folder that is used when none is named: $LOCUTUS_STORE, else upwards from the working folder."""
    named = os.environ.get("LOCUTUS_STORE")
    if named:
        return files.absolute(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / HOME / MANIFEST).exists() or (folder / HOME / BACKUP).exists():
            return folder
    return None


def create(address: Address, name: str, *, sha256: bool, stamp: bool = False, exist_ok: bool = False) -> Backend:
    """Make a Store, and return its back end; with `exist_ok`, that of a Store that was made with the same will do.

    Raises
    ------
    StoreExistsError
        There is a Store already; with `exist_ok`, one with another name, another `sha256` or another `stamp`.
    OSError
        The Store can't be made there; nothing of it is left.
    """
    from .local import creation

    root = files.absolute(address)
    creation.require_store_name(name)
    found = LocalBackend(root)
    if exist_ok and _is_there(found):
        return _required(found, name, sha256=sha256, stamp=stamp)
    try:
        with Reporting(root, side=STORE):
            creation.create(root, name, sha256=sha256, stamp=stamp)
    except StoreExistsError:
        if not exist_ok:
            raise
        return _required(found, name, sha256=sha256, stamp=stamp)  # another process has made it just now
    return found


def _is_there(backend: Backend) -> bool:
    try:
        backend.contents()
    except NotAStoreError:
        return False
    return True


def _required(backend: Backend, name: str, *, sha256: bool, stamp: bool) -> Backend:
    """Return the back end; raise StoreExistsError if its Store was made with other values."""
    contents = backend.contents()
    if contents.name != name:
        msg = f"The Store at {backend.location} is called {contents.name!r}, not {name!r}. "
        msg += "Open it with Store(), or choose another folder."
        raise StoreExistsError(msg)
    asked = {"sha256": (contents.with_sha256, sha256), "stamp": (contents.with_stamp, stamp)}
    for option, (has, wanted) in asked.items():
        if has != wanted:
            msg = f"The Store at {backend.location} was created with {option}={has}, not {option}={wanted}. "
            msg += "Open it with Store(), or choose another folder."
            raise StoreExistsError(msg)
    return backend


def repair(address: Address, *, dry_run: bool) -> RepairReport:
    """Rebuild the manifest of a Store that was lost or damaged.

    Raises
    ------
    NotAStoreError, OSError
        There are no remains of a Store, or they can't be read or written.
    """
    from .local import repair

    root = files.absolute(address)
    with Reporting(root, side=STORE):
        return repair.repair(root, dry_run=dry_run)
