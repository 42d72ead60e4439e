"""Store: a place for result files. Each method hands its work to `_operations`, together with the Store's back end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self, cast

from asimov.storage._backends import opening
from asimov.storage._backends.base import Backend
from asimov.storage._bytes.progress import Progress
from asimov.storage._model.errors import RecordNotFoundError, StorageError
from asimov.storage._model.names import Key, key_of
from asimov.storage._model.record import Duplicate, Record
from asimov.storage._model.selection import find, find_uuid, select
from asimov.storage._operations import adding, arguments, fetching
from asimov.storage._operations.sources import source, sources

from ._manifest import Manifest

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import timedelta

    import pandas as pd
    from matplotlib.axes import Axes

    from asimov.storage._model.reports import RepairReport, RestoreReport, VerificationReport
    from asimov.storage._model.snapshot import Contents
    from asimov.storage._operations.verifying import OnCheck

    from .widgets import Explorer


_ROWS_OF_AN_EVENT = " The rows of one event are frame[frame['event'] == 'GW150914']."


class Store:
    r"""A folder of final result files: written once, read only, and verified when they go in and when they come out.

    A Store holds files by *event* (what was analysed, such as the gravitational wave GW150914), by *production* (one
    analysis of the event, such as Prod0), and by name.

    Parameters
    ----------
    root : str or os.PathLike, optional
        The folder, or the URL of a published Store, which can only be read. Without it: ``$LOCUTUS_STORE``, else the
        nearest Store at or above the working folder.
    options : mapping, optional
        For a URL: ``timeout`` (seconds to wait for bytes), ``connect_timeout`` (seconds), ``retries``, ``concurrency``
        (requests at a time), and ``ca_file`` (certificates of the authorities to trust).

    Attributes
    ----------
    root : pathlib.Path
        The folder, absolute; None for a URL.
    manifest : Manifest
        The records of the files.
    backend : Backend
        The back end of the Store; for this package's own parts.

    Raises
    ------
    NotAStoreError
        There is no Store.
    ManifestError
        Its manifest can't be read.
    TypeError, ValueError
        The URL, or an option, makes no sense.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> store = Store.create(folder / "results", "Test Store")
    >>> added = store.add_file("GW150914", "Prod0", folder / "samples.txt")
    >>> store.fetch_file("GW150914", "Prod0", "samples.txt").read_text()
    'chirp mass\n30.7\n'
    >>> store.verify().ok
    True
    """

    def __init__(
        self, root: str | os.PathLike[str] | None = None, *, options: Mapping[str, object] | None = None
    ) -> None:
        if root is None:
            self._open(opening.nearest(options))
        else:
            self._open(opening.of(arguments.path("root", root), options))

    def _open(self, backend: Backend) -> None:
        self.backend = backend
        self.root = cast("Path", backend.root)  # None on the web
        self.manifest = Manifest(self)

    @classmethod
    def _over(cls, backend: Backend) -> Self:
        """Open the Store of a back end."""
        store = cls.__new__(cls)
        store._open(backend)  # noqa: SLF001 - its own
        return store

    @classmethod
    def create(
        cls,
        root: str | os.PathLike[str],
        name: str,
        *,
        sha256: bool = False,
        stamp: bool = False,
        exist_ok: bool = False,
    ) -> Self:
        """Make a Store and open it.

        Parameters
        ----------
        root : str or os.PathLike
            Its folder, which is made if necessary, with those above it. It may hold other things.
        name : str
            The Store's name: any text.
        sha256 : bool
            Record, and verify, the SHA-256 and the size of each file too. MD5 detects accidents, but can be forged.
        stamp : bool
            Note with each record when it was added (``added``: UTC, ISO 8601) and by whom (``by``: user@host), so that
            copies of the Store tell it too.
        exist_ok : bool
            If there is a Store already, with this name, this `sha256` and this `stamp`, open it.

        Raises
        ------
        StoreExistsError
            There is a Store already; with `exist_ok`, one with another name, another `sha256` or another `stamp`.
        OSError
            The Store can't be made there; nothing of it is left.
        """
        address = arguments.path("root", root)
        flags = {"sha256": sha256, "stamp": stamp, "exist_ok": exist_ok}
        return cls._over(
            opening.create(address, name, **{flag: arguments.flag(flag, value) for flag, value in flags.items()})
        )

    # Looking up records.

    @property
    def name(self) -> str:
        """The name of the Store."""
        return self.manifest.snapshot().name

    def __len__(self) -> int:
        return len(self.manifest.snapshot())

    def __iter__(self) -> Iterator[Record]:
        return iter(self.manifest.snapshot())

    def __bool__(self) -> bool:
        return True  # an empty Store is a Store

    def __contains__(self, item: object) -> bool:
        """Return whether the Store has this Record (not only its names), (event, production, file), or uuid."""
        return item in self.manifest

    def __getitem__(self, key: Key) -> Record:
        """Return the record of ``store["event", "production", "file"]``.

        Raises
        ------
        RecordNotFoundError
            There is no such record.
        """
        if not isinstance(key, tuple) or len(key) != 3:  # type: ignore[redundant-expr]
            msg = f"{key!a} is no key of a Store: give event, production and file, as in store['E', 'P', 'psd.dat']."
            raise RecordNotFoundError(msg)
        return self._find(*key, retracted=True)

    def _ipython_key_completions_(self) -> list[Key]:
        return list(self.manifest.snapshot().keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and other.backend.location == self.backend.location

    def __hash__(self) -> int:
        return hash(self.backend.location)

    def __reduce__(self) -> tuple[object, tuple[Path | str]]:
        opened = partial(type(self), options=self.backend.options) if self.backend.options else type(self)
        return opened, (self.backend.root or self.backend.location,)

    def __repr__(self) -> str:
        from asimov.storage._display.pages import store_line

        return store_line(self.backend.seen.name, self.backend.location)

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import store_html, unreadable_html

        try:
            columns = self.manifest.columns()
            return store_html(self.name, self.backend.location, columns, self.manifest.reasons())
        except (StorageError, OSError) as error:
            return unreadable_html(repr(self), error)

    # Adding.

    def add_file(
        self,
        event: object,
        production: object,
        file: str | os.PathLike[str],
        new_name: str | None = None,
        *,
        hash: str | None = None,
        duplicate: Duplicate = "raise",
        meta: Mapping[str, Any] | None = None,
        progress: Progress | bool | None = None,
    ) -> dict[str, str]:
        """Add a file: copy it, record its digest, make it read-only. When this returns, the file survives a power cut.

        Parameters
        ----------
        event, production : str
            The event and the production of the file, or objects with a ``name``. Files for several productions go to a
            production called ``shared``.
        file : str or os.PathLike
            The file to copy; it is left as it is.
        new_name : str, optional
            The name in the Store; by default, the file's own name.
        hash : str, optional
            The MD5 that it must have: 32 hexadecimal digits in upper or lower case, with or without ``md5:``.
        duplicate : {"raise", "link", "skip"}
            What to do if the same bytes are recorded already. "raise" refuses them. "link" records them under this name
            too, as a second name of one file. "skip" skips them if this very name has them, and otherwise does the
            same as "link". If this name has these bytes already, "link" and "skip" return its record: its file is
            verified, and replaced by these bytes if it is missing or damaged. A damaged file is kept in
            ``.manifest/quarantine/EVENT/PRODUCTION/``. Empty files are no duplicates of each other.
        meta : mapping, optional
            Notes that are kept with the record, which never changes: texts, numbers, truth values, None, dates, lists
            and mappings by keys that are texts; at most 16 KiB. Names of columns of `to_frame` can't be keys. A record
            that is there already keeps its own.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. An error that it raises cancels. True shows a bar of tqdm.

        Returns
        -------
        dict
            ``event``, ``production`` and ``file`` (the names), ``hash`` (MD5) and ``uuid``.

        Raises
        ------
        InvalidNameError
            A name isn't valid.
        HashError
            The file doesn't have the MD5 `hash`.
        RecordExistsError
            The name is recorded with other bytes.
        AlreadyPresentException
            The same bytes are recorded; the error's ``record`` says where.
        SourceChangedError
            The file was written to while it was added.
        TypeError, ValueError
            An argument has the wrong type, or makes no sense; `meta` is too large, for example.
        OSError
            The file can't be read, or the Store can't be written. After any error the Store is as it was.
        """
        given = [source(event, production, file, new_name, meta, hash=hash)]
        return adding.add(self.backend, given, duplicate=duplicate, progress=progress)[0]

    def add_files(
        self, files: object, *, duplicate: Duplicate = "raise", progress: Progress | bool | None = None
    ) -> list[dict[str, str]]:
        """Add many files, all or none; much faster than one by one.

        Parameters
        ----------
        files : iterable of (event, production, path[, new_name[, meta]]), or rows with names
            As for `add_file`. Dicts, named tuples, Series and DataFrames are read by their names event, production,
            path (or file), new_name, hash and meta, in any order. If rows have both path and file, file is the name in
            the Store, so that rows of another Store's ``to_frame(stat=True)`` can be added.
        duplicate, progress
            As for `add_file`; the bytes of all files together.

        Returns
        -------
        list of dict
            As from `add_file`, in the order of `files`. A file that is given twice is recorded once.

        Raises
        ------
        InvalidNameError, RecordExistsError, AlreadyPresentException, SourceChangedError, OSError
            As from `add_file`, about the first file that can't be added. Then no file is added.
        """
        return adding.add(self.backend, sources(files), duplicate=duplicate, progress=progress)

    def add_tree(
        self,
        path: str | os.PathLike[str],
        pattern: str = "{event}/{production}/{file}",
        *,
        dry_run: bool = False,
        duplicate: Duplicate = "link",
        meta: Mapping[str, Any] | None = None,
        progress: Progress | bool | None = None,
    ) -> pd.DataFrame:
        """Add the files of a folder and of the folders in it; those that can be added, all or none.

        Parameters
        ----------
        path : str or os.PathLike
            The folder.
        pattern : str
            What the paths of its files, relative to it, say: ``{event}``, ``{production}`` and ``{file}``, each once,
            and perhaps other text, as in ``"results/{event}/{production}/output/{file}"``. No field holds a slash.
        dry_run : bool
            Only return what would be done. Only those files are read whose names are recorded.
        duplicate, meta
            As for `add_file`; `meta` is for each of the files.
        progress : callable or bool, optional
            As for `add_files`; the bytes that are added.

        Returns
        -------
        pandas.DataFrame
            A row for each file, added or not, sorted by path; also for folders that are left out as a whole. Columns
            event, production and file (str; NA if the pattern doesn't fit), path (str), size (Int64, bytes), action
            (``add``; ``is there already``: the name has these bytes; or ``skip``) and reason (str): why a file isn't
            added. These are skipped: paths that don't fit the pattern, names that a Store can't hold, names that are
            recorded with other bytes, symbolic links, what is no regular file, Stores, and files and folders whose
            names begin with a dot.

        Raises
        ------
        TypeError, ValueError
            An argument has the wrong type, or makes no sense.
        RecordExistsError, AlreadyPresentException, SourceChangedError
            As from `add_files`. Then no file is added.
        OSError
            A file or folder can't be read, or the Store can't be written. Then no file is added.

        Examples
        --------
        >>> (folder / "runs" / "GW170817" / "Prod0").mkdir(parents=True)
        >>> (folder / "runs" / "GW170817" / "Prod0" / "psd.dat").write_text("1 2")
        3
        >>> list(store.add_tree(folder / "runs", dry_run=True)["action"])
        ['add']
        """
        from asimov.storage._operations import trees

        from .frame import tree_frame

        found = trees.add_tree(
            self.backend,
            Path(arguments.path("path", path)),
            pattern,
            dry_run=arguments.flag("dry_run", dry_run),
            duplicate=duplicate,
            meta=meta,
            progress=progress,
        )
        return tree_frame([one.row() for one in found])

    def new_file(
        self,
        event: object,
        production: object,
        name: str,
        *,
        hash: str | None = None,
        duplicate: Duplicate = "raise",
        meta: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[BinaryIO]:
        """Open a new file to write straight into the Store; add it when the ``with`` block ends without an error.

        Parameters
        ----------
        event, production, name : str
            The event, the production and the name of the file.
        hash, duplicate, meta
            As for `add_file`.

        Yields
        ------
        binary file
            A file to write, in which some formats also seek and read. It has ``fileno()``, so it can be the stdout of
            another program, or the target of numpy's ``tofile``. That program must be done when the block ends. The
            file's ``name`` ends in `name`, but can't be opened.

        Raises
        ------
        InvalidNameError, HashError, RecordExistsError, AlreadyPresentException, SourceChangedError, OSError
            As from `add_file`, at the end of the block.

        Examples
        --------
        >>> with store.new_file("GW150914", "Prod0", "notes.txt") as file:
        ...     file.write(b"glitch at 12 s")
        14
        """
        return adding.new_file(self.backend, event, production, name, hash=hash, duplicate=duplicate, meta=meta)

    # Fetching.

    def _find(self, event: object, production: object, file: object, *, retracted: object) -> Record:
        contents = self.manifest.snapshot()
        record = find(contents, key_of(event, production, file))
        self._require_current(contents, [record], retracted)
        return record

    @staticmethod
    def _require_current(contents: Contents, records: list[Record], retracted: object) -> None:
        """Raise RetractedError if a record was retracted, unless its file is wanted all the same."""
        if not arguments.flag("retracted", retracted) and contents.retracted:
            from asimov.storage._operations.retracting import require_current

            require_current(contents, records)

    def fetch_file(
        self,
        event: object,
        production: object,
        file: str,
        hash: str | None = None,
        *,
        dest: str | os.PathLike[str] | None = None,
        retracted: bool = False,
        progress: Progress | bool | None = None,
    ) -> Path:
        """Return the path of a file, after verifying it.

        Files in a Store have no suffix. Programs that need the suffix can read a copy at `dest`.

        Parameters
        ----------
        event, production, file : str
            The names with which it was added.
        hash : str, optional
            An MD5 that it must have as well, as for `add_file`.
        dest : str or os.PathLike, optional
            A folder, or the name of a file: the verified bytes are copied there, atomically, as an ordinary writable
            file. A file that has these bytes already is kept as it is.
        retracted : bool
            Fetch the file even if its record was retracted.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. An error that it raises cancels. True shows a bar of tqdm.

        Returns
        -------
        pathlib.Path
            The absolute path of the file, or of its copy if there is a `dest`.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or file.
        HashError
            The bytes are not those that were stored, or not those of `hash`.
        RetractedError
            The record was retracted; the error says why, and which record to use instead.
        FileExistsError
            Something else is at `dest` already.
        OSError
            The file can't be read, or is missing.
        """
        record = self._find(event, production, file, retracted=retracted)
        return fetching.fetch_one(self.backend, record, hash=hash, dest=dest, progress=progress)

    def fetch_files(
        self,
        selection: object,
        *,
        dest: str | os.PathLike[str] | None = None,
        tree: bool = False,
        retracted: bool = False,
        progress: Progress | bool | None = None,
    ) -> list[Path]:
        """Return the paths of many files, after verifying each.

        Parameters
        ----------
        selection : Record, (event, production, file), or rows with names; or an iterable of these, or a DataFrame
            The files. Rows, such as dicts or those of `to_frame`, are read by their names event, production and file.
            If they have a uuid, hash or sha256, it must be the record's.
        dest : str or os.PathLike, optional
            A folder for copies, which is made if necessary. Files there that have the same bytes already are kept, so
            that a fetch that was killed can be repeated.
        tree : bool
            Copy each file to EVENT/PRODUCTION/FILE below `dest`; otherwise to FILE, and all names must be different.
        retracted : bool
            Fetch also those files whose records were retracted.
        progress : callable, optional
            As for `fetch_file`; the bytes of all files together.

        Returns
        -------
        list of pathlib.Path
            The paths, in the order of `selection`.

        Raises
        ------
        RecordNotFoundError, HashError, RetractedError, FileExistsError, OSError
            As from `fetch_file`, about the first file that can't be fetched. Then no new copy is left.
        ValueError
            Two of the files have the same name, and `tree` isn't set; nothing was copied.
        """
        contents = self.manifest.snapshot()
        records = select(contents, selection)
        self._require_current(contents, records, retracted)
        return fetching.fetch(self.backend, records, fetching.targets_in(dest, records, tree=tree), progress=progress)

    def fetch_uuid(self, uuid: object, *, retracted: bool = False) -> Path:
        """Return the path of the file with a uuid, in hex, dashed or urn form, after verifying it.

        Raises
        ------
        RecordNotFoundError
            The uuid is unknown; this is a KeyError.
        HashError, RetractedError, OSError
            As from `fetch_file`.
        """
        contents = self.manifest.snapshot()
        record = find_uuid(contents, uuid)
        self._require_current(contents, [record], retracted)
        return self.backend.path(record)

    def open_file(
        self,
        event: object,
        production: object,
        file: str,
        *,
        retracted: bool = False,
        progress: Progress | bool | None = None,
    ) -> BinaryIO:
        """Verify a file, and open it for reading: the bytes read are those that were verified.

        Parameters
        ----------
        event, production, file : str
            The names with which it was added.
        retracted : bool
            Open the file even if its record was retracted.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. An error that it raises cancels. True shows a bar of tqdm.

        Raises
        ------
        RecordNotFoundError, HashError, RetractedError, OSError
            As from `fetch_file`.
        """
        record = self._find(event, production, file, retracted=retracted)
        return fetching.open_file(self.backend, record, progress=progress)

    def export(
        self,
        dest: str | os.PathLike[str],
        selection: object = None,
        *,
        layout: str = "{event}/{production}/{file}",
        link: bool = False,
        format: Literal["folder", "bag", "crate"] = "folder",
        license: str | None = None,
        retracted: bool = False,
        progress: Progress | bool | None = None,
    ) -> Path:
        """Write files, by their names, into a new folder for people and programs that don't have this package.

        Beside the files there are ``md5sums.txt``, which ``md5sum -c`` checks; ``sha256sums.txt``, if the Store records
        SHA-256; ``manifest.csv``, a table; and ``README.txt``, a page that says what this is, of which Store, and how
        to check it.

        Parameters
        ----------
        dest : str or os.PathLike
            The new folder. Those above it are made if necessary.
        selection : optional
            The files, as for `fetch_files`; by default all that are not retracted.
        layout : str
            The path of each file in the folder, as a template of `str.format`. Its fields are ``event``,
            ``production``, ``file``, ``uuid``, ``hash`` (MD5), and ``suffix``, the last one of the file's name with its
            dot.
        link : bool
            Give each file of the Store a second name there (a hard link) instead of a copy, if the file system can. It
            takes no room, and is read-only: who changes it, changes the Store's file.
        format : {"folder", "bag", "crate"}
            "bag" writes a BagIt bag (RFC 8493, version 1.0) with the files in ``data/``. "crate" adds the metadata of
            an RO-Crate, version 1.1, to what "folder" writes.
        license : str, optional
            The licence under which the files are published: its name, or its address.
        retracted : bool
            Export also those of the files whose records were retracted. The table says so, and why.
        progress : callable or bool, optional
            As for `fetch_file`; the bytes of all files together.

        Returns
        -------
        pathlib.Path
            The absolute path of the new folder.

        Raises
        ------
        RecordNotFoundError
            The Store doesn't have one of the files.
        RetractedError
            The record of a selected file was retracted.
        ValueError
            There is nothing to export, or the layout has no path for a file that can be written, or the same for two.
        FileExistsError
            Something is at `dest` already.
        HashError
            The bytes of a file are not those that were stored.
        OSError
            A file is missing or can't be read, or the folder can't be written. After any error nothing is left of it.

        Examples
        --------
        >>> chosen = store["GW150914", "Prod0", "samples.txt"]
        >>> exported = store.export(folder / "paper", chosen, layout="{event}-{production}-{file}")
        >>> sorted(path.name for path in exported.iterdir())
        ['GW150914-Prod0-samples.txt', 'README.txt', 'manifest.csv', 'md5sums.txt']
        """
        from asimov.storage._operations.exporting.export import Options, export

        options = Options(layout, link, format, license, retracted)
        return export(self.backend, self.manifest.snapshot(), selection, dest, options, progress=progress)

    def publish(
        self, dest: str | os.PathLike[str], *, flat: bool = False, progress: Progress | bool | None = None
    ) -> Path:
        """Write a copy of the Store that a web server or an archive can serve, and that ``Store(url)`` opens there.

        The copy holds the manifest and the files, which are verified meanwhile, and nothing else. It has the
        fingerprint of this Store. It is there as a whole, or not at all.

        Parameters
        ----------
        dest : str or os.PathLike
            A new folder, which is a Store itself; or a new zip archive, if its name ends in ``.zip``. Folders above it
            are made if necessary.
        flat : bool
            Put all files side by side, under their uuids, for archives that have no folders, such as Zenodo. This is
            for at most 99 files.
        progress : callable or bool, optional
            As for `fetch_file`; the bytes of all files together.

        Returns
        -------
        pathlib.Path
            The absolute path of the copy.

        Raises
        ------
        FileExistsError
            Something is at `dest` already.
        ValueError
            There are too many files for a flat copy, or `dest` is an archive, which isn't flat.
        HashError
            The bytes of a file are not those that were stored.
        OSError
            A file is missing or can't be read, or the copy can't be written. After any error nothing is left of it.

        Examples
        --------
        >>> published = store.publish(folder / "www" / "results")
        >>> Store(published).fingerprint() == store.fingerprint()
        True
        """
        from asimov.storage._operations.publishing import publish

        return publish(self.backend, self.manifest.snapshot(), dest, flat=flat, progress=progress)

    # Verifying.

    def verify(  # noqa: PLR0913 - keyword-only, one for each of its questions
        self,
        event: object = None,
        production: object = None,
        *,
        selection: object = None,
        executor: Executor | None = None,
        progress: Progress | bool | None = None,
        since: timedelta | str | None = None,
        budget: timedelta | float | str | None = None,
        fingerprint: str | None = None,
        quick: bool = False,
        _on_check: OnCheck | None = None,
    ) -> VerificationReport:
        """Verify that files are still as they were stored.

        The Store keeps when each file was last found to be sound, if it can be written. A Store that only upstream has
        written is left as it is, unless `since` or `budget` asks for a rotation.

        Parameters
        ----------
        event, production : str, optional
            Verify only the files of this event, or of this production of it.
        selection : optional
            Verify only the files of these records, as for `fetch_files`.
        executor : concurrent.futures.Executor, optional
            The executor that runs the work; by default threads, one for each usable core. A dask client's
            ``get_executor()`` works too.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. An error that it raises cancels. True shows a bar of tqdm.
        since : datetime.timedelta or str, optional
            Skip files that were verified within this time, such as ``"30d"`` or ``"12h"``, and begin with those that
            wait longest.
        budget : datetime.timedelta, number or str, optional
            Stop after this time, or this many bytes, such as ``"1h"`` or ``"500GB"``; begin with the files that wait
            longest.
        fingerprint : str, optional
            An earlier result of `fingerprint`: finds whether records were changed, added or removed since.
        quick : bool
            Judge files by their size, if it is recorded, or by an ETag that is their MD5, and read only the others.
            That finds files that are missing or cut off, not those whose bytes have changed.

        Returns
        -------
        VerificationReport
            The results. There is a report even if files are corrupt or missing: see its ``ok``.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or record.
        TypeError, ValueError
            An argument has the wrong type, or makes no sense.
        """
        from asimov.storage._operations import amounts, verifying
        from asimov.storage._operations.rotation import Rotation

        rotation = Rotation(amounts.since(since), amounts.budget(budget))
        contents = self.manifest.snapshot()
        return verifying.verify(
            self.backend,
            contents,
            verifying.records_to_verify(contents, event, production, selection),
            rotation,
            executor=executor,
            progress=progress,
            on_check=_on_check,
            fingerprint=fingerprint,
            quick=arguments.flag("quick", quick),
        )

    def restore(
        self,
        source: str | os.PathLike[str] | Store,
        selection: object = None,
        *,
        dry_run: bool = True,
        progress: Progress | bool | None = None,
    ) -> RestoreReport:
        """Put back missing and damaged files from copies, which are found by their bytes.

        The files are verified first; those that were retracted are passed over. A copy has to have everything that is
        recorded about a file: the MD5, and in a Store that records them the SHA-256 and the size. The records, with
        their uuids, stay as they are. A damaged file is kept in ``.manifest/quarantine/EVENT/PRODUCTION/``.

        Parameters
        ----------
        source : str, os.PathLike or Store
            Where to look for the copies: a folder and all folders in it, whatever the names of the files are; or
            another Store.
        selection : optional
            Restore only the files of these records, as for `fetch_files`; for example ``report.failures``.
        dry_run : bool
            Only report what would be done.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes: first for the files of the Store, then from 0 for those that
            are read in search of copies, whose total isn't known. An error that it raises cancels. True shows a bar.

        Returns
        -------
        RestoreReport
            What was restored, or would be, and what wasn't found. When this returns, what was restored survives a power
            cut.

        Raises
        ------
        RecordNotFoundError
            There is no such record.
        SourceChangedError
            A copy was written to meanwhile.
        TypeError, ValueError
            An argument has the wrong type, or makes no sense.
        OSError
            The source can't be read, or the Store can't be written. What was restored before that stays restored.

        Examples
        --------
        >>> store.restore(folder / "backup")  # doctest: +SKIP
        <RestoreReport: would restore 2, 0 not found>
        >>> store.restore(folder / "backup", dry_run=False).ok  # doctest: +SKIP
        True
        """
        from asimov.storage._operations import restoring, verifying

        contents = self.manifest.snapshot()
        return restoring.restore(
            self.backend,
            contents,
            verifying.records_to_verify(contents, None, None, selection),
            source,
            dry_run=arguments.flag("dry_run", dry_run),
            progress=progress,
        )

    @classmethod
    def repair(cls, root: str | os.PathLike[str], *, dry_run: bool = True) -> RepairReport:
        """Rebuild a manifest that was lost or damaged.

        The records come from the back-up of the manifest, the most recent commits, those parts of the manifest that can
        still be read, and the files themselves. Files that no record can be made for are moved to
        ``.manifest/quarantine/``. Nothing is deleted.

        Parameters
        ----------
        root : str or os.PathLike
            The Store's folder.
        dry_run : bool
            Only report what would be done.

        Returns
        -------
        RepairReport
            What was found, and what was done, or would be done.

        Raises
        ------
        NotAStoreError
            There is no folder ``.manifest``.
        OSError
            The Store can't be read or written.
        """
        return opening.repair(arguments.path("root", root), dry_run=arguments.flag("dry_run", dry_run))

    def fold(self) -> None:
        """Write into manifest.yaml the records that were added and are not there yet.

        If thousands of files are added in quick succession, ``manifest.yaml`` isn't written for each of them. It is
        written in about ten per cent of the time, and has each record within a second. Call this only if another
        program has to read ``manifest.yaml`` itself within that second.

        Raises
        ------
        OSError
            The manifest can't be written.
        """
        self.backend.fold()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical manifest: 64 hexadecimal digits that change if any record changes.

        Two Stores have the same fingerprint if they have the same name, records and further keys, and only then.
        """
        from asimov.storage._operations.fingerprint import fingerprint

        return fingerprint(self.manifest.snapshot())

    def retract(self, selection: object, reason: str, *, superseded_by: object = None) -> list[Record]:
        """Say of records that they should not be used any more, and why. This can't be undone.

        Records and files stay as they are. `fetch_file` and the like refuse the files, `verify` passes them over, and
        tables and widgets say why.

        Parameters
        ----------
        selection : Record, (event, production, file), or rows with names; or an iterable of these, or a DataFrame
            The records, as for `fetch_files`.
        reason : str
            Why, for those who come later; at most 16 KiB.
        superseded_by : Record, (event, production, file), or a row with names, optional
            The record of this Store to use instead of each of them.

        Returns
        -------
        list of Record
            The records. Those that were retracted before, for this very reason, are among them.

        Raises
        ------
        RecordNotFoundError
            There is no such record.
        RetractedError
            One of them was retracted before, for another reason or with another successor; or the successor was
            retracted itself. Nothing was retracted now.
        TypeError, ValueError
            There is no reason, or a record is to be its own successor.
        """
        from asimov.storage._operations import retracting

        return retracting.retract(self.backend, self.manifest.snapshot(), selection, reason, superseded_by)

    # For notebooks.

    def to_frame(self, stat: bool = False, *, meta: bool = False) -> pd.DataFrame:  # noqa: FBT001, FBT002 - the contract's
        """Return the records as a table, sorted by event, production and file.

        Parameters
        ----------
        stat : bool
            Add columns about the files themselves.
        meta : bool
            Add a column for each key of the records' notes (see `add_file`), and what was retracted.

        Returns
        -------
        pandas.DataFrame
            Columns event, production, file, hash, uuid (pandas' str); with `stat` also size (Int64, bytes; NA if
            missing), added (datetime64[ns, UTC]; NaT if missing), path (str) and verified (datetime64[ns, UTC]; NaT if
            not known): when the file was last found to be sound. In a Store with a stamp, ``added`` is the time of the
            stamp. With `meta` also a column for each key of the notes, sorted: str if all values are texts, else
            object; NA where a record doesn't have it. After them retracted (the reason) and superseded_by (a uuid; both
            str, NA for what is still good).

        Notes
        -----
        Excel's times have no time zone, so pandas refuses to write times that have one. It writes this frame, whose
        times are in UTC::

            frame.assign(**{name: frame[name].dt.tz_localize(None) for name in ("added", "verified")})
        """
        from .frame import columns_to_frame

        stat, meta = arguments.flag("stat", stat, _ROWS_OF_AN_EVENT), arguments.flag("meta", meta)
        contents = self.manifest.snapshot()  # no Records: making 100,000 of them would take longer than all the rest
        columns = contents.keys, contents.hashes, contents.uuids
        notes = contents.notes() if meta or (stat and contents.with_stamp) else []
        if not stat:
            return columns_to_frame(*columns, notes=notes, retracted=contents.retracted if meta else None)
        times = self.backend.times_verified()
        return columns_to_frame(
            *columns,
            files=self.backend.stat(contents),
            verified=map(times.get, contents.uuids),
            notes=notes if meta else [],
            retracted=contents.retracted if meta else None,
            stamps=[note.get("added") for note in notes] if contents.with_stamp else None,
        )

    def diff(self, other: object) -> pd.DataFrame:
        """Return what this Store and another one don't have in common.

        The manifests are compared, and no file is read: `verify` does that.

        Parameters
        ----------
        other : Store or DataFrame
            The other Store, or a table with columns event, production, file and hash, such as an earlier `to_frame`.

        Returns
        -------
        pandas.DataFrame
            A row for each difference, sorted by event, production and file; none if there is no difference. Columns
            event, production, file, hash (the MD5 here; NA if it is only there), other_hash (the MD5 there; NA if it is
            only here) and difference: ``only here``, ``only there`` or ``other bytes`` (pandas' str). Two Stores that
            record SHA-256 are compared by that too, so ``other bytes`` may have the same MD5: one of them was forged.

        Raises
        ------
        TypeError, ValueError
            `other` is neither a Store nor such a table.

        Examples
        --------
        >>> earlier = store.to_frame()
        >>> len(store.diff(earlier))
        0
        """
        from asimov.storage._operations import comparing

        from .frame import differences_frame

        here = comparing.side_of_contents(self.manifest.snapshot())
        return differences_frame(comparing.differences(here, comparing.side_of(other)))

    def overview(self) -> pd.DataFrame:
        """Return the number of files of each production of each event.

        Returns
        -------
        pandas.DataFrame
            A row for each event and a column for each production, both sorted. The values are numbers of files (int64).

        Examples
        --------
        >>> Store.create(folder / "overview", "Test Store").overview().shape
        (0, 0)
        """
        from .frame import overview_frame

        return overview_frame(self.manifest.snapshot().keys)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `overview`: a square for each production of each event. The more files it has, the darker it is.

        This needs matplotlib: ``pip install matplotlib``.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            The axes to draw in; by default, those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
            The axes.
        """
        from .figure import draw

        return draw(self.overview(), self.name, ax)

    def explore(self, **state: Any) -> Explorer:
        """Show the Explorer, a widget to search, look at, fetch and verify the files of this Store.

        Parameters
        ----------
        **state
            The initial state, such as ``search="posterior"``, ``event="GW150914"`` or ``height="fill"``: the attributes
            of `widgets.Explorer`, and ``read_only``.
        """
        from .widgets import Explorer

        return Explorer(self, **state)
