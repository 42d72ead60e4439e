"""Opening: from an address, the path of a folder or a URL, to the back end of the Store there."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from asimov.storage._disk import files
from asimov.storage._disk.folder import STORE, Reporting
from asimov.storage._display.text import shown
from asimov.storage._format.layout import BACKUP, HOME, MANIFEST
from asimov.storage._model.errors import NotAStoreError, StoreExistsError

from .base import Backend
from .local.backend import LocalBackend
from .published.urls import is_url, location_of, path_of, read_only

if TYPE_CHECKING:
    from asimov.storage._model.reports import RepairReport

Address: TypeAlias = "str | os.PathLike[str]"


def of(address: Address, options: object = None) -> Backend:
    """Return the back end for an address; only reading it shows whether there is a Store.

    Raises
    ------
    ValueError
        It is a URL at which no Store can be.
    TypeError
        There are options that are unknown, or that a folder has none of.
    """
    if isinstance(address, str) and is_url(address):
        return _published(address, options)
    if options is not None:
        msg = f"options={shown(options)}: a Store in a folder has none. They are for one on the web."
        raise TypeError(msg)
    return LocalBackend(_folder(address))


def kept(location: str, options: Mapping[str, object] | None = None) -> Backend:
    """Return the back end for a location. In one process, those for a URL with the same options are one."""
    return _kept(location, tuple(sorted(options.items())) if options else ()) if is_url(location) else of(location)


@functools.lru_cache(maxsize=8)
def _kept(url: str, options: tuple[tuple[str, object], ...]) -> Backend:
    return of(url, dict(options))


def _folder(address: Address) -> Path:
    return files.absolute(path_of(address) if isinstance(address, str) else address)


def _published(url: str, options: object) -> Backend:
    from .published.backend import PublishedBackend
    from .published.options import checked

    return PublishedBackend(location_of(url), checked(options))


def _require_folder(address: Address, doing: str) -> Path:
    """Return the path of a folder; raise StoreReadOnlyError if the address is a URL."""
    if isinstance(address, str) and is_url(address):
        raise read_only(location_of(address), doing)
    return _folder(address)


def nearest(options: object = None) -> Backend:
    """Return the back end of the Store that is used when none is named.

    Raises
    ------
    NotAStoreError
        There is no such Store.
    """
    root = os.environ.get("LOCUTUS_STORE") or search_root()
    if root is None:
        msg = (
            f"There is no Store at or above {Path.cwd()}, and $LOCUTUS_STORE is not set. "
            "Name one, or make one with Store.create() or `locutus init`."
        )
        raise NotAStoreError(msg)
    return of(root, options)


def search_root() -> Path | None:
    """Return the nearest folder with a Store, upwards from the working folder; None if there is none."""
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

    root = _require_folder(address, "made")
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

    root = _require_folder(address, "repaired")
    with Reporting(root, side=STORE):
        return repair.repair(root, dry_run=dry_run)
