"""Creation: how a Store is made."""

from __future__ import annotations

import contextlib
from pathlib import Path

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._disk.temporary import Temporary
from asimov.storage._format import canonical_reader, canonical_writer
from asimov.storage._format.layout import BACKUP, HOME, INCOMING, MANIFEST, RECENT, TEMPORARY
from asimov.storage._model.errors import REPAIR_IN_A_SHELL, FileSystemError, InvalidNameError, StoreExistsError
from asimov.storage._model.snapshot import Contents, Text

from . import probe


def create(root: Path, name: str, *, sha256: bool, stamp: bool = False) -> None:
    """Make the folders of a Store, and its manifest last, so that there is a whole Store or none."""
    require_store_name(name)
    options = {"sha256": sha256, "stamp": stamp}
    contents = Contents(name=name, top="".join(f"{option}: true\n" for option, is_on in options.items() if is_on))
    _require_links(root)
    made = files.make_root(root)
    try:
        with Folder.open(root) as top:
            fresh = top.make_folder(HOME)
            try:
                with top.folder(HOME) as home:
                    _fill(home, canonical_writer.write(contents))
                    _keep(top, home)
            except BaseException:
                if fresh:
                    _take_back(top)
                raise
    except BaseException:
        files.remove_folders(made)
        raise


def _require_links(root: Path) -> None:
    """Raise FileSystemError if the file system of `root` can't hold a Store; other errors name `root`."""
    try:
        with Folder.open(probe.nearest(root)) as above:
            probe.require_links(above, "No Store was made.")
    except FileSystemError:
        raise
    except OSError as error:
        error.filename = str(root)  # not a file of the probe
        raise


def require_store_name(name: object) -> str:
    """Return the name of a Store, which may be any text without lone surrogates; raise InvalidNameError otherwise."""
    if isinstance(name, str):
        with contextlib.suppress(UnicodeEncodeError):
            name.encode()
            return name
    msg = f"{name!a} can't be the name of a Store: it takes a str without lone surrogates."
    raise InvalidNameError(msg)


def _fill(home: Folder, text: Text) -> None:
    for name in (INCOMING, RECENT, TEMPORARY):
        home.make_folder(name)
    _require_new(home)
    with Temporary(home, temporary.owner_name()) as manifest:
        manifest.write(*text, canonical_reader.folded_line(0))
        manifest.sync()
        try:
            home.link(manifest.name, home, MANIFEST)
        except FileExistsError as error:
            raise StoreExistsError(_exists(home.path)) from error


def _keep(top: Folder, home: Folder) -> None:
    """Make the new Store durable; if that fails, remove its manifest."""
    try:
        home.sync()
        top.sync()
    except BaseException:
        home.remove(MANIFEST)
        raise


def _require_new(home: Folder) -> None:
    """Raise StoreExistsError if there is, or was, a Store. A crash of creation leaves neither a back-up nor entries."""
    with home.folder(RECENT) as recent:
        if home.status(MANIFEST) is not None:
            raise StoreExistsError(_exists(home.path))
        if recent.names() or home.status(BACKUP) is not None:
            msg = f"There was a Store at {home.path.parent}, and its manifest is lost. "
            msg += f"Rebuild it: in Python, by Store.repair(root, dry_run=False). {REPAIR_IN_A_SHELL}"
            raise StoreExistsError(msg)


def _exists(home: Path) -> str:
    root = str(home.parent)
    return (
        f"There is a Store at {root} already. Open it with Store({root!a}), in a shell with --store; "
        "or choose another folder."
    )


def _take_back(top: Folder) -> None:
    """Remove what a failed creation made, unless another process has completed it."""
    with contextlib.suppress(OSError), top.folder(HOME) as home:
        if home.status(MANIFEST) is not None:
            return
        for name in (INCOMING, RECENT, TEMPORARY):
            home.remove_folder(name)
    top.remove_folder(HOME)
