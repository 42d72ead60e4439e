"""Store: the folder in which results are kept, and the only orchestrator of what is done to it."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Self, cast

from asimov.storage._backends.local import creation, incoming, resumable
from asimov.storage._backends.local.incoming import Incoming, NewFile, WritableFile
from asimov.storage._backends.local.resumable import PartialFile
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._bytes.threads import descriptors
from asimov.storage._disk import files
from asimov.storage._disk.folder import STORE, Folder, Reporting
from asimov.storage._format import canonical_writer
from asimov.storage._format.layout import HOME
from asimov.storage._model.check import Check
from asimov.storage._model.errors import NotAStoreError, RecordNotFoundError, StorageError, StoreExistsError
from asimov.storage._model.identity import searched_uuid
from asimov.storage._model.names import Key, named, on_disk
from asimov.storage._model.record import Duplicate, Record
from asimov.storage._model.reports import RepairReport, VerificationReport
from asimov.storage._model.selection import find, select, within
from asimov.storage._model.snapshot import Contents
from asimov.storage._operations import adding, arguments, fetching, verifying
from asimov.storage._operations.sources import Source, source, sources

from ._manifest import Manifest

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import timedelta

    import pandas as pd

    from .widgets import Explorer


class _Rotation(NamedTuple):
    """What is left for another time: what was verified within `since`, and what a `budget` doesn't reach."""

    since: timedelta | None
    budget: timedelta | int | None


_SEALED_TOGETHER = 64
_OF_THE_DESCRIPTORS = 4
"""The part of this process' descriptors, one in so many, that files on their way in may have."""
_NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}
_LOOKED_AT = 200
"""After how many files whose size is looked up `progress` is asked again."""
_DUPLICATE = ("raise", "link", "skip")
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
        found = creation.search_root() if root is None else files.absolute(arguments.path("root", root))
        if found is None:
            msg = (
                f"There is no Store at or above {Path.cwd()}, and $LOCUTUS_STORE is not set. "
                "Name one, or make one with Store.create() or `locutus init`."
            )
            raise NotAStoreError(msg)
        self.root = found
        self.manifest = Manifest(self)

    @classmethod
    def create(cls, root: str | os.PathLike[str], name: str, *, sha256: bool = False, exist_ok: bool = False) -> Store:
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
        path = files.absolute(arguments.path("root", root))
        sha256, exist_ok = arguments.flag("sha256", sha256), arguments.flag("exist_ok", exist_ok)
        creation.require_store_name(name)
        if exist_ok:
            with contextlib.suppress(NotAStoreError):
                return cls(path)._required_to_be(name, sha256=sha256)
        try:
            with Reporting(path, side=STORE):
                creation.create(path, name, sha256=sha256)
        except StoreExistsError:
            if not exist_ok:
                raise
            return cls(path)._required_to_be(name, sha256=sha256)  # others have made it at this moment
        return cls(path)

    def _required_to_be(self, name: str, *, sha256: bool) -> Self:
        """Raise StoreExistsError if this Store has another name, or does otherwise about SHA-256."""
        contents = self._contents()
        if contents.name != name:
            msg = f"The Store at {self.root} is called {contents.name!r}, not {name!r}. "
            msg += "Open it with Store(), or choose another folder."
            raise StoreExistsError(msg)
        if contents.with_sha256 != sha256:
            msg = f"The Store at {self.root} was created with sha256={contents.with_sha256}, not sha256={sha256}. "
            msg += "Open it with Store(), or choose another folder."
            raise StoreExistsError(msg)
        return self

    # Looking at it.

    @property
    def name(self) -> str:
        """What the Store is called."""
        return self._contents().name

    def _contents(self) -> Contents:
        return self.manifest._contents()

    @property
    def _name_seen(self) -> str:
        return self.manifest._snapshot.name

    def __len__(self) -> int:
        return len(self._contents())

    def __iter__(self) -> Iterator[Record]:
        return iter(self._contents())

    def __bool__(self) -> bool:
        return True  # an empty Store is a Store

    def __contains__(self, item: object) -> bool:
        """Return whether the Store has a Record (it, not only its name), an (event, production, file), or a uuid."""
        return item in self.manifest

    def __getitem__(self, key: Key) -> Record:
        """Give the record of ``store["event", "production", "file"]``.

        Raises
        ------
        RecordNotFoundError
            There is none.
        """
        if not isinstance(key, tuple) or len(key) != 3:  # type: ignore[redundant-expr]
            msg = f"{key!a} is no key of a Store: give event, production and file, as in store['E', 'P', 'psd.dat']."
            raise RecordNotFoundError(msg)
        event, production, file = key
        return find(self._contents(), (named("event", event), named("production", production), named("file", file)))

    def _ipython_key_completions_(self) -> list[Key]:
        return list(self._contents().keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Store) and other.root == self.root

    def __hash__(self) -> int:
        return hash(self.root)

    def __reduce__(self) -> tuple[type[Store], tuple[Path]]:
        return type(self), (self.root,)

    def __repr__(self) -> str:
        from asimov.storage._display.pages import store_line

        return store_line(self._name_seen, self.root)

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import store_html, unreadable_html

        try:
            return store_html(self.name, self.root, self.manifest._columns())
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
        with arguments.reporting(progress, "add") as reported:
            return self._add(given, duplicate=duplicate, progress=reported)[0]

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
        given = sources(files)
        _require_duplicate(duplicate)
        with arguments.reporting(progress, "add") as reported:
            return self._add(given, duplicate=duplicate, progress=reported) if given else []

    def _add(
        self,
        sources: list[Source],
        *,
        duplicate: Duplicate,
        progress: Progress | None,
        opened: Callable[[Path], int] = files.open_source,
    ) -> list[dict[str, str]]:
        _require_duplicate(duplicate)
        with_sha256 = self.manifest._snapshot.with_sha256  # so since it was created; the commit reads the rest
        meter = Meter(progress, _total(source.path for source in sources) if progress is not None else 0)
        items: list[adding.Item] = []
        with self.manifest._journal.incoming() as incoming, Folder.open(self.root) as root:
            try:
                together = max(1, min(_SEALED_TOGETHER, descriptors() // _OF_THE_DESCRIPTORS))
                while len(items) < len(sources):
                    part = sources[len(items) : len(items) + together]
                    items += self._take_in(part, incoming, root, meter, opened, sha256=with_sha256)
                    if len(sources) > 1:
                        for item in items[-together:]:
                            item.data.close()  # they would be too many
                meter.finish()
                return self._commit(items, duplicate, meter)
            finally:
                for item in items:
                    item.data.discard()

    def _take_in(
        self,
        sources: list[Source],
        folder: Folder,
        root: Folder,
        meter: Meter,
        opened: Callable[[Path], int],
        *,
        sha256: bool,
    ) -> list[adding.Item]:
        """Take in the first of `sources`, as many as there are descriptors for."""
        taken: list[Incoming] = []
        try:
            for key, path, expected in sources:
                try:
                    taken.append(Incoming.of_file(path, folder, meter, sha256=sha256, opened=opened))
                except OSError as error:
                    if not taken or error.errno not in _NO_DESCRIPTOR:
                        raise
                    break
                adding.require_expected(key, taken[-1], expected, path)
            incoming.seal_all(taken, root)
        except BaseException:
            for data in taken:
                data.discard()
            raise
        return [adding.Item(source.key, data) for source, data in zip(sources, taken, strict=False)]

    def _commit(
        self, items: list[adding.Item], duplicate: Duplicate, meter: Meter | None = None
    ) -> list[dict[str, str]]:
        addition = adding.Addition(items, duplicate, self.root)
        journal = self.manifest._journal
        while True:
            if duplicate != "raise":
                addition.prepare(journal.contents(), meter)
            with contextlib.suppress(adding.Overtaken), Reporting(self.root, side=STORE):
                journal.commit(addition)
                return addition.results

    @contextlib.contextmanager
    def new_file(
        self, event: object, production: object, name: str, *, hash: str | None = None, duplicate: Duplicate = "raise"
    ) -> Iterator[BinaryIO]:
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
        _require_duplicate(duplicate)
        key = named("event", event), named("production", production), named("file", name)
        digits = arguments.digest(hash, Path(key[2]))
        path = self.root.joinpath(*map(on_disk, key))
        with self.manifest._journal.incoming() as folder:
            data = Incoming.new(folder, sha256=self._contents().with_sha256)
            try:
                with contextlib.closing(WritableFile(data, path)) as raw:  # else the buffer flushes itself into nowhere
                    buffer = NewFile(raw)
                    yield cast("BinaryIO", buffer)
                    buffer.close()  # who still has it writes no more: what is stored is what is digested now
                    raw.settle()
                    self._finish(key, data, digits, duplicate)
            finally:
                data.discard()

    def _finish(self, key: Key, data: Incoming, hash: str | None, duplicate: Duplicate) -> dict[str, str]:
        """Add what has come in."""
        adding.require_expected(key, data, hash, Path(key[2]))
        with Folder.open(self.root) as root:
            data.seal(root)
        return self._commit([adding.Item(key, data)], duplicate)[0]

    def _incoming(
        self,
        event: object,
        production: object,
        name: str,
        *,
        token: str,
        keep: Callable[[int], int] = int,
        progress: Progress | None = None,
    ) -> PartialFile:
        """Begin a file that arrives in pieces, or go on with what came before under its token, as far as `keep` says.

        Raises
        ------
        InvalidNameError
            A name can't be one.
        BlockingIOError
            Somebody else writes to this token now.
        """
        key = named("event", event), named("production", production), named("file", name)
        sha256 = self._contents().with_sha256
        with self.manifest._journal.incoming() as opened:
            folder = Folder(os.dup(opened.descriptor), opened.path)
        try:
            data = resumable.resumed(folder, token, keep, sha256=sha256, progress=progress)
        except BaseException:
            folder.close()
            raise
        return PartialFile(data, functools.partial(self._finish, key))

    # Fetching.

    def _find(self, event: object, production: object, file: object) -> Record:
        key = named("event", event), named("production", production), named("file", file)
        return find(self._contents(), key)

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
        """Give the path of a file, after verifying it.

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
        record = self._find(event, production, file)
        if hash is not None:
            path = self._path(record)
            fetching.require_hash(record, arguments.digest(hash, path, record.hash) or "", path)
        targets = None if dest is None else [fetching.target_of(arguments.path("dest", dest), record.file)]
        with arguments.reporting(progress, "fetch") as reported:
            return self._fetch([record], targets, reported)[0]

    def fetch_files(
        self,
        selection: object,
        *,
        dest: str | os.PathLike[str] | None = None,
        tree: bool = False,
        progress: Progress | bool | None = None,
    ) -> list[Path]:
        """Give the paths of many files, after verifying each.

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
        records = select(self._contents(), selection)
        targets = None
        if dest is None and arguments.flag("tree", tree):
            msg = "tree=True says how copies lie below dest, and none was given. Give dest, too."
            raise TypeError(msg)
        if dest is not None:
            wanted, folder = list(dict.fromkeys(records)), arguments.path("dest", dest)
            targets = fetching.targets_of(folder, wanted, tree=arguments.flag("tree", tree))
        with arguments.reporting(progress, "fetch") as reported:
            return self._fetch(records, targets, reported)

    def _fetch(self, records: list[Record], targets: list[Path] | None, progress: Progress | None) -> list[Path]:
        """Verify the files of `records` and give their paths; those of the copies, if each one has a target."""
        wanted = list(dict.fromkeys(records))
        meter = Meter(progress, self._total_size(wanted) if progress is not None else 0)
        if targets is None:
            paths = [fetching.verified_path(self.root, record, meter) for record in wanted]
            meter.finish()
        else:
            paths = targets
            with fetching.all_or_none(targets) as delivered:
                for record, target in zip(wanted, targets, strict=True):
                    if fetching.deliver(self.root, record, target, meter):
                        delivered.append(target)
                meter.finish()
        found = dict(zip(wanted, paths, strict=True))
        return [found[record] for record in records]

    def fetch_uuid(self, uuid: object) -> Path:
        """Give the path of the file with a uuid, in hex, dashed or urn form, after verifying it.

        Raises
        ------
        RecordNotFoundError
            It is unknown; this is a KeyError.
        HashError, OSError
            As from `fetch_file`.
        """
        contents, digits = self._contents(), searched_uuid(uuid)
        record = None if digits is None else contents.by_uuid(digits)
        if record is None:
            msg = f"The Store has no record with the uuid {str(uuid)!a}."
            raise RecordNotFoundError(msg)
        return fetching.verified_path(self.root, record)

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
        record = self._find(event, production, file)
        with arguments.reporting(progress, "open") as reported:
            return self._open(record, reported)

    def _open(self, record: Record, progress: Progress | None) -> BinaryIO:
        meter = Meter(progress, self._total_size([record]) if progress is not None else 0)
        descriptor, _ = fetching.open_verified(self.root, record, meter)
        opened = os.fdopen(descriptor, "rb")
        try:
            meter.finish()
        except BaseException:
            opened.close()
            raise
        return opened

    def _path(self, record: Record) -> Path:
        return self.manifest._path(record)

    def _total_size(self, records: Iterable[Record]) -> int:
        return sum(size or 0 for _, size, _ in self._stat(records))

    def _stat(self, records: Iterable[Record] | None = None) -> Iterator[tuple[Path, int | None, int | None]]:
        """Give path, size in bytes and modification time in ns of each record's file; None where it is missing."""
        return verifying.stat_files(self.root, self._contents() if records is None else records)

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
        _on_check: verifying.OnCheck | None = None,
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
        rotation = _Rotation(arguments.since(since), arguments.budget(budget))
        worker = arguments.executor(executor)
        expected = arguments.fingerprint(fingerprint)
        contents = self._contents()
        records = self._records_to_verify(contents, event, production, selection)
        with arguments.reporting(progress, "verify") as reported:
            checks = self._check(records, contents, rotation, executor=worker, progress=reported, on_check=_on_check)
        groups = dict.fromkeys((record.event, record.production) for record in records)
        actual = _fingerprint(contents) if expected is not None else None
        return VerificationReport(
            root=self.root,
            results=tuple(checks),
            untracked=tuple(verifying.untracked(self.root, contents, groups)),
            problems=_fingerprint_problems(expected, actual),
            skipped=len(records) - len(checks),
            fingerprint=actual,
            expected_fingerprint=fingerprint,
        )

    def _check(
        self,
        records: list[Record],
        contents: Contents,
        rotation: _Rotation,
        *,
        executor: Executor | None,
        progress: Progress | None,
        on_check: verifying.OnCheck | None,
    ) -> list[Check]:
        from asimov.storage._backends.local import last_verified

        sizes = _watched(verifying.sizes(self.root, records), progress)
        pairs: Iterable[tuple[Record, int]] = zip(records, sizes, strict=True)  # looked up while others are digested
        rotating = rotation != (None, None)
        if rotating:
            pairs = last_verified.due(pairs, last_verified.read_times(self.root), rotation.since)
        checks = verifying.verify(
            self.root,
            HOME,
            pairs,
            executor=executor,
            progress=progress,
            on_check=on_check,
            budget=rotation.budget,
        )
        last_verified.note_times(self.root, checks, contents.uuids, rotating=rotating)
        return checks

    @staticmethod
    def _records_to_verify(contents: Contents, event: object, production: object, selection: object) -> list[Record]:
        if selection is None:
            return [contents.record(index) for index in within(contents, event, production)]  # type: ignore[arg-type]
        if event is not None or production is not None:
            msg = "verify() takes event and production, or a selection, not both."
            raise TypeError(msg)
        return sorted(dict.fromkeys(select(contents, selection)), key=lambda record: record.key)

    def _times_verified(self) -> dict[str, int]:
        """Give when files were last verified: seconds since 1970, by uuid."""
        from asimov.storage._backends.local import last_verified

        return last_verified.read_times(self.root)

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
        from asimov.storage._backends.local import repair

        path = files.absolute(arguments.path("root", root))
        with Reporting(path, side=STORE):
            return repair.repair(path, dry_run=arguments.flag("dry_run", dry_run))

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
        self.manifest._journal.fold()

    def fingerprint(self) -> str:
        """Give the SHA-256 of the canonical manifest: 64 hexadecimal digits that pin every record.

        Two Stores have the same fingerprint just when they have the same name, records and further keys.
        """
        return _fingerprint(self._contents())

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
        contents = self._contents()  # not its records: for 100,000 rows they would take longer than all the rest
        columns = contents.keys, contents.hashes, contents.uuids
        if not stat:
            return columns_to_frame(*columns)
        times = self._times_verified()
        return columns_to_frame(*columns, files=self._stat(contents), verified=map(times.get, contents.uuids))

    def explore(self) -> Explorer:
        """Show the Explorer, a widget to search, look at, fetch and verify what is here."""
        from .widgets import Explorer

        return Explorer(self)


def _fingerprint(contents: Contents) -> str:
    import hashlib

    digest = hashlib.sha256()
    for piece in canonical_writer.write(contents):
        digest.update(piece)
    return digest.hexdigest()


def _fingerprint_problems(expected: str | None, actual: str | None) -> tuple[str, ...]:
    if expected == actual:
        return ()
    msg = (
        f"The Store's fingerprint is {actual}, and {expected} was given: since then records were added, removed or "
        "changed. Compare the manifest with a copy from that time."
    )
    return (msg,)


def _watched(sizes: Iterable[int], progress: Progress | None) -> Iterator[int]:
    """Pass sizes on, and let `progress` cancel while many files are looked at, before the first byte is read."""
    total = 0
    for number, size in enumerate(sizes, start=1):
        total += size
        if progress is not None and number % _LOOKED_AT == 0:
            progress(0, total)
        yield size


def _require_duplicate(duplicate: str) -> None:
    if duplicate not in _DUPLICATE:
        msg = f"duplicate={duplicate!a}: it takes 'raise', 'link' or 'skip'."
        raise ValueError(msg)


def _total(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
