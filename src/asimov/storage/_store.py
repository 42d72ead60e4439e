"""Store: what results are kept in. Each method hands its work to `_operations`, over the back end where it lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from asimov.storage._backends import opening
from asimov.storage._backends.base import Backend
from asimov.storage._bytes.progress import Progress
from asimov.storage._model.errors import RecordNotFoundError, StorageError
from asimov.storage._model.names import Key, key_of
from asimov.storage._model.record import Duplicate, Record
from asimov.storage._model.reports import RepairReport, VerificationReport
from asimov.storage._model.selection import find, find_uuid, select
from asimov.storage._operations import adding, arguments, fetching
from asimov.storage._operations.sources import source, sources

from ._manifest import Manifest

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import timedelta

    import pandas as pd
    from matplotlib.axes import Axes

    from asimov.storage._operations.verifying import OnCheck

    from .widgets import Explorer


_ROWS_OF_AN_EVENT = " The rows of one event are frame[frame['event'] == 'GW150914']."


class Store:
    r"""A folder in which final result files are kept: write once, read only, verified on the way in and out.

    Parameters
    ----------
    root : str or os.PathLike, optional
        The folder. Without it: ``$LOCUTUS_STORE``, else the nearest Store at or above the working folder.

    Attributes
    ----------
    root : pathlib.Path
        The folder, absolute.
    manifest : Manifest
        What is recorded.
    backend : Backend
        Where the Store lies; for this package's own parts.

    Raises
    ------
    NotAStoreError
        There is no Store.
    ManifestError
        Its manifest can't be read.

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

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self._open(opening.nearest() if root is None else opening.of(arguments.path("root", root)))

    def _open(self, backend: Backend) -> None:
        self.backend = backend
        self.root = cast("Path", backend.root)  # or None, of a back end that no address leads to yet
        self.manifest = Manifest(self)

    @classmethod
    def _over(cls, backend: Backend) -> Self:
        """Open the Store that lies in a back end."""
        store = cls.__new__(cls)
        store._open(backend)  # noqa: SLF001 - its own
        return store

    @classmethod
    def create(cls, root: str | os.PathLike[str], name: str, *, sha256: bool = False, exist_ok: bool = False) -> Self:
        """Make a Store and open it.

        Parameters
        ----------
        root : str or os.PathLike
            Its folder; made as needed, with those above it. It may hold other things.
        name : str
            What the Store is called: any text.
        sha256 : bool
            Record, and verify, the SHA-256 and the size of each file too. MD5 detects accidents, but can be forged.
        exist_ok : bool
            Open the Store that is there already, if it has this name and this `sha256`.

        Raises
        ------
        StoreExistsError
            There is a Store already; with `exist_ok`, one of another name, or another `sha256`.
        OSError
            It can't be made there; nothing is left of it.
        """
        address = arguments.path("root", root)
        sha256, exist_ok = arguments.flag("sha256", sha256), arguments.flag("exist_ok", exist_ok)
        return cls._over(opening.create(address, name, sha256=sha256, exist_ok=exist_ok))

    # Looking at it.

    @property
    def name(self) -> str:
        """What the Store is called."""
        return self.manifest.snapshot().name

    def __len__(self) -> int:
        return len(self.manifest.snapshot())

    def __iter__(self) -> Iterator[Record]:
        return iter(self.manifest.snapshot())

    def __bool__(self) -> bool:
        return True  # an empty Store is a Store

    def __contains__(self, item: object) -> bool:
        """Return whether the Store has a Record (it, not only its name), an (event, production, file), or a uuid."""
        return item in self.manifest

    def __getitem__(self, key: Key) -> Record:
        """Return the record of ``store["event", "production", "file"]``.

        Raises
        ------
        RecordNotFoundError
            There is none.
        """
        if not isinstance(key, tuple) or len(key) != 3:  # type: ignore[redundant-expr]
            msg = f"{key!a} is no key of a Store: give event, production and file, as in store['E', 'P', 'psd.dat']."
            raise RecordNotFoundError(msg)
        return self._find(*key)

    def _ipython_key_completions_(self) -> list[Key]:
        return list(self.manifest.snapshot().keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and other.backend.location == self.backend.location

    def __hash__(self) -> int:
        return hash(self.backend.location)

    def __reduce__(self) -> tuple[type[Store], tuple[Path | str]]:
        return type(self), (self.backend.root or self.backend.location,)

    def __repr__(self) -> str:
        from asimov.storage._display.pages import store_line

        return store_line(self.backend.seen.name, self.backend.location)

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import store_html, unreadable_html

        try:
            return store_html(self.name, self.backend.location, self.manifest.columns())
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
        progress: Progress | bool | None = None,
    ) -> dict[str, str]:
        """Add a file: copy it in, record its digest, make it read-only. When this returns, it survives a power cut.

        Parameters
        ----------
        event, production : str
            Where it belongs, or objects with a ``name``. Files for several productions go to one called ``shared``.
        file : str or os.PathLike
            The file to copy; it is left as it is.
        new_name : str, optional
            What to call it; otherwise its own name.
        hash : str, optional
            The MD5 that it must have: 32 hexadecimal digits in any case, which ``md5:`` may stand before.
        duplicate : {"raise", "link", "skip"}
            If the same bytes are recorded already: "raise" refuses; "link" records them under this name too, sharing
            them; "skip" skips only what has this very name already, and otherwise does as "link". Where this name has
            these bytes already, both take the record that is there: its file is verified, and these bytes are put in
            the place of a missing or damaged one. A damaged file is kept in ``.manifest/quarantine/EVENT/PRODUCTION/``.
            Empty files are no duplicates of each other.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels. True: a bar of tqdm's.

        Returns
        -------
        dict
            ``event``, ``production`` and ``file`` (the names), ``hash`` (MD5) and ``uuid``.

        Raises
        ------
        InvalidNameError
            A name can't be one.
        HashError
            The file has not the MD5 `hash`.
        RecordExistsError
            There are other bytes under this name.
        AlreadyPresentException
            The same bytes are there; its ``record`` says where.
        SourceChangedError
            Somebody wrote to the file while it was added.
        OSError
            The file can't be read, or the Store can't be written. After any error the Store is as it was.
        """
        given = [source(event, production, file, new_name, hash)]
        return adding.add(self.backend, given, duplicate=duplicate, progress=progress)[0]

    def add_files(
        self, files: object, *, duplicate: Duplicate = "raise", progress: Progress | bool | None = None
    ) -> list[dict[str, str]]:
        """Add many files, all or none; much faster than one by one.

        Parameters
        ----------
        files : iterable of (event, production, path) or (event, production, path, new_name), or rows with names
            As for `add_file`. Dicts, named tuples, Series and DataFrames are read by their names event, production,
            path (or file), new_name and hash, whatever their order. Of rows with both, file is the name to store
            under: so rows of another Store's ``to_frame(stat=True)`` can be added.
        duplicate, progress
            As for `add_file`; the bytes of all files together.

        Returns
        -------
        list of dict
            As from `add_file`, in the order of `files`. What is given twice is recorded once.

        Raises
        ------
        InvalidNameError, RecordExistsError, AlreadyPresentException, SourceChangedError, OSError
            As from `add_file`, about the first file that can't be added; none is.
        """
        return adding.add(self.backend, sources(files), duplicate=duplicate, progress=progress)

    def new_file(
        self, event: object, production: object, name: str, *, hash: str | None = None, duplicate: Duplicate = "raise"
    ) -> AbstractContextManager[BinaryIO]:
        """Write a new file straight into the Store: added when the ``with`` block ends, not at all if it raises.

        Parameters
        ----------
        event, production, name : str
            Where it belongs and what it is called.
        hash, duplicate
            As for `add_file`.

        Yields
        ------
        binary file
            To write; also to seek in and to read, as some formats need. It has ``fileno()``, so it can be the stdout of
            another program, or what numpy's ``tofile`` writes to; what has it must be done when the block ends. Its
            ``name`` ends in `name`; it can't be opened by that.

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
        return adding.new_file(self.backend, event, production, name, hash=hash, duplicate=duplicate)

    # Fetching.

    def _find(self, event: object, production: object, file: object) -> Record:
        return find(self.manifest.snapshot(), key_of(event, production, file))

    def fetch_file(
        self,
        event: object,
        production: object,
        file: str,
        hash: str | None = None,
        *,
        dest: str | os.PathLike[str] | None = None,
        progress: Progress | bool | None = None,
    ) -> Path:
        """Return the path of a file, after verifying it.

        Files in a Store have no suffix. Give `dest` to readers that look at it.

        Parameters
        ----------
        event, production, file : str
            As it was added.
        hash : str, optional
            The MD5 that it must have, too, as for `add_file`.
        dest : str or os.PathLike, optional
            A folder, or the name of a file: the verified bytes are copied there, atomically, as an ordinary writable
            file. A file that has these bytes already is kept as it is.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels. True: a bar of tqdm's.

        Returns
        -------
        pathlib.Path
            Absolute; of the copy if there is a `dest`.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or file.
        HashError
            The bytes are not those that were stored, or not those of `hash`.
        FileExistsError
            Something else is at `dest` already.
        OSError
            The file can't be read; also if it is missing.
        """
        return fetching.fetch_one(
            self.backend, self._find(event, production, file), hash=hash, dest=dest, progress=progress
        )

    def fetch_files(
        self,
        selection: object,
        *,
        dest: str | os.PathLike[str] | None = None,
        tree: bool = False,
        progress: Progress | bool | None = None,
    ) -> list[Path]:
        """Return the paths of many files, after verifying each.

        Parameters
        ----------
        selection : Record, (event, production, file), or rows with names; or an iterable of these, or a DataFrame
            Which. Rows, those of `to_frame` and dicts among them, are read by their names event, production and file.
            A uuid, hash or sha256 that they have must be the record's.
        dest : str or os.PathLike, optional
            A folder for copies, made if need be. What is there already with the same bytes is kept: a fetch that was
            killed goes on.
        tree : bool
            Copy each file to EVENT/PRODUCTION/FILE below `dest`; otherwise to FILE, which no two may have in common.
        progress : callable, optional
            As for `fetch_file`; the bytes of all files together.

        Returns
        -------
        list of pathlib.Path
            In the order of `selection`.

        Raises
        ------
        RecordNotFoundError, HashError, FileExistsError, OSError
            As from `fetch_file`, about the first file that can't be fetched; no new copy is left then.
        ValueError
            Two of the files have the same name, and `tree` isn't set; nothing was copied.
        """
        records = select(self.manifest.snapshot(), selection)
        return fetching.fetch(self.backend, records, fetching.targets_in(dest, records, tree=tree), progress=progress)

    def fetch_uuid(self, uuid: object) -> Path:
        """Return the path of the file with a uuid, in hex, dashed or urn form, after verifying it.

        Raises
        ------
        RecordNotFoundError
            It is unknown; this is a KeyError.
        HashError, OSError
            As from `fetch_file`.
        """
        return self.backend.path(find_uuid(self.manifest.snapshot(), uuid))

    def open_file(
        self, event: object, production: object, file: str, *, progress: Progress | bool | None = None
    ) -> BinaryIO:
        """Open a file for reading, verified before it is returned: what is read is what was verified.

        Parameters
        ----------
        event, production, file : str
            As it was added.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels. True: a bar of tqdm's.

        Raises
        ------
        RecordNotFoundError, HashError, OSError
            As from `fetch_file`.
        """
        return fetching.open_file(self.backend, self._find(event, production, file), progress=progress)

    # Verifying.

    def verify(
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
        _on_check: OnCheck | None = None,
    ) -> VerificationReport:
        """Verify that files are still what was stored.

        When each file was last found to be sound is kept in the Store, where it can be written. A Store that only
        upstream has written is left as it is, unless `since` or `budget` asks for a rotation.

        Parameters
        ----------
        event, production : str, optional
            Only these.
        selection : optional
            Only these records, as for `fetch_files`.
        executor : concurrent.futures.Executor, optional
            What the work runs on; otherwise threads, one for each usable core. A dask client's ``get_executor()``
            will do.
        progress : callable or bool, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels. True: a bar of tqdm's.
        since : datetime.timedelta or str, optional
            Skip what was verified within that time, ``"30d"`` or ``"12h"`` say; begin with what waits longest.
        budget : datetime.timedelta, number or str, optional
            Stop after that time, or that many bytes, ``"1h"`` or ``"500GB"`` say; begin with what waits longest.
        fingerprint : str, optional
            What `fingerprint` gave at an earlier time: finds records that were changed, added or removed since.

        Returns
        -------
        VerificationReport
            Also when files are corrupt or missing: see its ``ok``.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or record.
        TypeError, ValueError
            An argument is no such thing.
        """
        from asimov.storage._operations import verifying
        from asimov.storage._operations.rotation import Rotation

        rotation = Rotation(arguments.since(since), arguments.budget(budget))
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
        )

    @classmethod
    def repair(cls, root: str | os.PathLike[str], *, dry_run: bool = True) -> RepairReport:
        """Rebuild a manifest that was lost or damaged.

        The records come from the back-up of the manifest, the most recent commits, what can still be read of the
        manifest, and the files themselves. What no record can be made for is moved to ``.manifest/quarantine/``;
        nothing is deleted.

        Parameters
        ----------
        root : str or os.PathLike
            The Store's folder.
        dry_run : bool
            Only say what would be done.

        Returns
        -------
        RepairReport

        Raises
        ------
        NotAStoreError
            There is no folder ``.manifest`` there.
        OSError
            The Store can't be read, or not be written.
        """
        return opening.repair(arguments.path("root", root), dry_run=arguments.flag("dry_run", dry_run))

    def fold(self) -> None:
        """Write to manifest.yaml what was added and isn't there yet; nothing happens if all is.

        In a Store of thousands of files that come in quick succession, ``manifest.yaml`` isn't written for each of
        them, but ten per cent of the time is spent on that, and each record is in it within a second. This needs to be
        called only before another program reads ``manifest.yaml`` by itself, within that second.

        Raises
        ------
        OSError
            It can't be written.
        """
        self.backend.fold()

    def fingerprint(self) -> str:
        """Return the SHA-256 of the canonical manifest: 64 hexadecimal digits that pin every record.

        Two Stores have the same fingerprint just when they have the same name, records and further keys.
        """
        from asimov.storage._operations.fingerprint import fingerprint

        return fingerprint(self.manifest.snapshot())

    # Towards the notebook.

    def to_frame(self, stat: bool = False) -> pd.DataFrame:  # noqa: FBT001, FBT002 - the contract's signature
        """Tabulate the records, sorted by event, production and file.

        Parameters
        ----------
        stat : bool
            Look at the files too.

        Returns
        -------
        pandas.DataFrame
            Columns event, production, file, hash, uuid (pandas' str); with `stat` also size (Int64, bytes; NA if
            missing), added (datetime64[ns, UTC]; NaT if missing), path (str) and verified (datetime64[ns, UTC]; NaT if
            not known): when it was last found to be sound.

        Notes
        -----
        Excel's times have no time zone, so pandas writes none that have one. This frame, its times in UTC, it writes::

            frame.assign(**{name: frame[name].dt.tz_localize(None) for name in ("added", "verified")})
        """
        from .frame import columns_to_frame

        stat = arguments.flag("stat", stat, _ROWS_OF_AN_EVENT)
        contents = (
            self.manifest.snapshot()
        )  # not its records: for 100,000 rows they would take longer than all the rest
        columns = contents.keys, contents.hashes, contents.uuids
        if not stat:
            return columns_to_frame(*columns)
        times = self.backend.times_verified()
        return columns_to_frame(*columns, files=self.backend.stat(contents), verified=map(times.get, contents.uuids))

    def overview(self) -> pd.DataFrame:
        """Count the files of each production of each event.

        Returns
        -------
        pandas.DataFrame
            A row for each event, a column for each production, both sorted; the number of files (int64), 0 where there
            is none.

        Examples
        --------
        >>> Store.create(folder / "overview", "Test Store").overview().shape
        (0, 0)
        """
        from .frame import overview_frame

        return overview_frame(self.manifest.snapshot().keys)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `overview`: a square for each production of each event, the darker the more files it has.

        It takes matplotlib, which ``pip install matplotlib`` installs.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; else a new figure is made.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from .figure import draw

        return draw(self.overview(), self.name, ax)

    def explore(self, **state: Any) -> Explorer:
        """Show the Explorer, a widget to search, look at, fetch and verify what is here.

        Parameters
        ----------
        **state
            What it shows at first, such as ``search="posterior"``, ``event="GW150914"`` or ``height="fill"``: the
            attributes of `widgets.Explorer`, and ``read_only``.
        """
        from .widgets import Explorer

        return Explorer(self, **state)
