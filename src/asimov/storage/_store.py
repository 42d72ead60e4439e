"""Store: the folder in which results are kept, and the only orchestrator of what is done to it."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from . import _addition, _canonical, _create, _fetch, _files, _incoming, _partial, _verify
from ._contents import Contents
from ._errors import NotAStoreError, RecordNotFoundError
from ._files import Folder
from ._hashing import Meter, Progress
from ._incoming import Incoming, WritableFile
from ._manifest import Manifest, plain_uuid
from ._names import Key, named
from ._partial import PartialFile
from ._records import Duplicate, Record, RepairReport, VerificationReport
from ._selection import find, select, within
from ._state import HOME

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import timedelta

    import pandas as pd

    from .widgets import Explorer

_File: TypeAlias = tuple[object, object, object, object]
"""Event, production, path and new name, as they were given."""
_SEALED_TOGETHER = 64
_LOOKED_AT = 200
"""After how many files whose size is looked up `progress` is asked again."""
_DUPLICATE = ("raise", "link", "skip")


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
        found = _create.search_root() if root is None else _files.absolute(root)
        if found is None:
            msg = (
                f"There is no Store at or above {Path.cwd()}, and $LOCUTUS_STORE is not set. "
                "Name one, or make one with Store.create() or `locutus init`."
            )
            raise NotAStoreError(msg)
        self.root = found
        self.manifest = Manifest(self)

    @classmethod
    def create(cls, root: str | os.PathLike[str], name: str, *, sha256: bool = False) -> Store:
        """Make a Store and open it.

        Parameters
        ----------
        root : str or os.PathLike
            Its folder; made as needed, with those above it. It may hold other things.
        name : str
            What the Store is called: any text.
        sha256 : bool
            Record, and verify, the SHA-256 and the size of each file too. MD5 detects accidents, but can be forged.

        Raises
        ------
        StoreExistsError
            There is a Store already.
        OSError
            It can't be made there; nothing is left of it.
        """
        path = _files.absolute(root)
        _create.create(path, name, sha256=sha256)
        return cls(path)

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

    def __contains__(self, key: object) -> bool:
        return key in self.manifest

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
        from ._format import store_line

        return store_line(self)

    def _repr_html_(self) -> str:
        from ._format import store_html

        return store_html(self)

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
        progress: Progress | None = None,
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
            The MD5 that it must have, hexadecimal in any case.
        duplicate : {"raise", "link", "skip"}
            If the same bytes are recorded already: refuse; record them under this name too, sharing them; or take the
            record that is there (whose file is not looked at: fetch it, before you delete yours). Empty files are no
            duplicates of each other.
        progress : callable, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels.

        Returns
        -------
        dict
            ``file`` (the name), ``hash`` (MD5) and ``uuid``.

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
        OSError
            The file can't be read, or the Store can't be written. After any error the Store is as it was.
        """
        items: list[_File] = [(event, production, file, new_name)]
        return self._add(items, hash=hash, duplicate=duplicate, progress=progress)[0]

    def add_files(
        self, files: Iterable[Sequence[object]], *, duplicate: Duplicate = "raise", progress: Progress | None = None
    ) -> list[dict[str, str]]:
        """Add many files, all or none; much faster than one by one.

        Parameters
        ----------
        files : iterable of (event, production, path) or (event, production, path, new_name)
            As for `add_file`.
        duplicate, progress
            As for `add_file`; the bytes of all files together.

        Returns
        -------
        list of dict
            As from `add_file`, in the order of `files`.

        Raises
        ------
        InvalidNameError, RecordExistsError, AlreadyPresentException, OSError
            As from `add_file`, about the first file that can't be added; none is.
        """
        items = [_four(item) for item in files]
        return self._add(items, hash=None, duplicate=duplicate, progress=progress) if items else []

    def _add(
        self,
        files: list[_File],
        *,
        hash: str | None,
        duplicate: Duplicate,
        progress: Progress | None,
    ) -> list[dict[str, str]]:
        _require_duplicate(duplicate)
        sources = [_source(*item) for item in files]
        with_sha256 = self.manifest._snapshot.with_sha256  # so since it was created; the commit reads the rest
        meter = Meter(progress, _total(path for _, path in sources) if progress is not None else 0)
        items: list[_addition.Item] = []
        with self.manifest._journal.incoming() as incoming, Folder.open(self.root) as root:
            try:
                for start in range(0, len(sources), _SEALED_TOGETHER):
                    part = sources[start : start + _SEALED_TOGETHER]
                    items += self._take_in(part, incoming, root, hash, meter, sha256=with_sha256)
                meter.finish()
                return self._commit(items, duplicate)
            finally:
                for item in items:
                    item.data.discard()

    def _take_in(
        self,
        sources: list[tuple[Key, Path]],
        folder: Folder,
        root: Folder,
        hash: str | None,
        meter: Meter,
        *,
        sha256: bool,
    ) -> list[_addition.Item]:
        taken: list[Incoming] = []
        try:
            for key, path in sources:
                descriptor = _files.open_source(path)
                try:
                    taken.append(Incoming.new(folder, sha256=sha256))
                    taken[-1].copy_from(descriptor, meter)
                finally:
                    os.close(descriptor)
                _addition.require_expected(key, taken[-1], hash, path)
            _incoming.seal_all(taken, root)
            if len(taken) > 1:
                for data in taken:
                    data.close()
        except BaseException:
            for data in taken:
                data.discard()
            raise
        return [_addition.Item(key, data) for (key, _), data in zip(sources, taken, strict=True)]

    def _commit(self, items: list[_addition.Item], duplicate: Duplicate) -> list[dict[str, str]]:
        addition = _addition.Addition(items, duplicate, self.root)
        if duplicate == "link":
            addition.find_sound(self._contents())
        self.manifest._journal.commit(addition)
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
            To write; also to seek in and to read, as some formats need.

        Raises
        ------
        InvalidNameError, HashError, RecordExistsError, AlreadyPresentException, OSError
            As from `add_file`, at the end of the block.

        Examples
        --------
        >>> with store.new_file("GW150914", "Prod0", "notes.txt") as file:
        ...     file.write(b"glitch at 12 s")
        14
        """
        _require_duplicate(duplicate)
        key = named("event", event), named("production", production), named("file", name)
        with self.manifest._journal.incoming() as folder:
            data = Incoming.new(folder, sha256=self._contents().with_sha256)
            raw = WritableFile(data)
            try:
                buffer = io.BufferedRandom(raw)
                yield cast("BinaryIO", buffer)
                buffer.close()  # who still has it writes no more: what is stored is what is digested now
                raw.settle()
                self._finish(key, data, hash, duplicate)
            finally:
                raw.close()  # or the buffer would flush itself into nowhere when it is deleted
                data.discard()

    def _finish(self, key: Key, data: Incoming, hash: str | None, duplicate: Duplicate) -> dict[str, str]:
        """Add what has come in."""
        _addition.require_expected(key, data, hash, Path(key[2]))
        with Folder.open(self.root) as root:
            data.seal(root)
        return self._commit([_addition.Item(key, data)], duplicate)[0]

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
            data = _partial.resumed(folder, token, keep, sha256=sha256, progress=progress)
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
        progress: Progress | None = None,
    ) -> Path:
        """Give the path of a file, after verifying it.

        Files in a Store have no suffix. Give `dest` to readers that look at it.

        Parameters
        ----------
        event, production, file : str
            As it was added.
        hash : str, optional
            The MD5 that it must have, too, hexadecimal in any case.
        dest : str or os.PathLike, optional
            A folder, or the name of a file that is not there yet: the verified bytes are copied there, atomically, as
            an ordinary writable file.
        progress : callable, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels.

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
            `dest` is there already.
        OSError
            The file can't be read; also if it is missing.
        """
        record = self._find(event, production, file)
        if hash is not None:
            _fetch.require_hash(record, hash, self._path(record))
        return self._fetch([record], dest, progress)[0]

    def fetch_files(
        self, selection: object, *, dest: str | os.PathLike[str] | None = None, progress: Progress | None = None
    ) -> list[Path]:
        """Give the paths of many files, after verifying each.

        Parameters
        ----------
        selection : iterable of Record or of (event, production, file), or rows of `to_frame`
            Which.
        dest : str or os.PathLike, optional
            A folder for copies, made if need be: by their names, or below EVENT/PRODUCTION where two have the same.
        progress : callable, optional
            As for `fetch_file`; the bytes of all files together.

        Returns
        -------
        list of pathlib.Path
            In the order of `selection`.

        Raises
        ------
        RecordNotFoundError, HashError, FileExistsError, OSError
            As from `fetch_file`, about the first file that can't be fetched; no copy is left then.
        """
        return self._fetch(select(self._contents(), selection), dest, progress, many=True)

    def _fetch(
        self,
        records: list[Record],
        dest: str | os.PathLike[str] | None,
        progress: Progress | None,
        *,
        many: bool = False,
    ) -> list[Path]:
        wanted = list(dict.fromkeys(records))
        meter = Meter(progress, self._total_size(wanted) if progress is not None else 0)
        if dest is None:
            paths = [_fetch.verified_path(self.root, record, meter) for record in wanted]
            meter.finish()
        else:
            targets = _fetch.targets_of(dest, wanted) if many else [_fetch.target_of(dest, wanted[0].file)]
            with _fetch.all_or_none(targets) as paths:
                for record, target in zip(wanted, targets, strict=True):
                    paths.append(_fetch.deliver(self.root, record, target, meter))
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
        contents, digits = self._contents(), plain_uuid(uuid)
        record = None if digits is None else contents.by_uuid(digits)
        if record is None:
            msg = f"The Store has no record with the uuid {str(uuid)!a}."
            raise RecordNotFoundError(msg)
        return _fetch.verified_path(self.root, record)

    def open_file(self, event: object, production: object, file: str, *, progress: Progress | None = None) -> BinaryIO:
        """Open a file for reading, verified before it is returned: what is read is what was verified.

        Parameters
        ----------
        event, production, file : str
            As it was added.
        progress : callable, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels.

        Raises
        ------
        RecordNotFoundError, HashError, OSError
            As from `fetch_file`.
        """
        record = self._find(event, production, file)
        meter = Meter(progress, self._total_size([record]) if progress is not None else 0)
        descriptor, _ = _fetch.open_verified(self.root, record, meter)
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
        return _verify.stat_files(self.root, self._contents() if records is None else records)

    # Verifying.

    def verify(
        self,
        event: object = None,
        production: object = None,
        *,
        selection: object = None,
        executor: Executor | None = None,
        progress: Progress | None = None,
        since: timedelta | None = None,
        budget: timedelta | int | None = None,
        fingerprint: str | None = None,
        _on_check: _verify.OnCheck | None = None,
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
        progress : callable, optional
            Called as ``progress(done, total)``, in bytes. What it raises cancels.
        since : datetime.timedelta, optional
            Skip what was verified within that time; begin with what waits longest.
        budget : datetime.timedelta or int, optional
            Stop after that time, or that many bytes; begin with what waits longest.
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
        """
        from . import _rotation

        contents = self._contents()
        records = self._records_to_verify(contents, event, production, selection)
        sizes = _watched(_verify.sizes(self.root, records), progress)
        pairs: Iterable[tuple[Record, int]] = zip(records, sizes, strict=True)  # looked up while others are digested
        rotating = since is not None or budget is not None
        if rotating:
            pairs = _rotation.due(pairs, _rotation.read_times(self.root), since)
        checks = _verify.verify(
            self.root, HOME, pairs, executor=executor, progress=progress, on_check=_on_check, budget=budget
        )
        _rotation.note_times(self.root, checks, contents.uuids, rotating=rotating)
        groups = dict.fromkeys((record.event, record.production) for record in records)
        actual = _fingerprint(contents) if fingerprint is not None else None
        return VerificationReport(
            root=self.root,
            results=tuple(checks),
            untracked=tuple(_verify.untracked(self.root, contents, groups)),
            problems=_fingerprint_problems(fingerprint, actual),
            skipped=len(records) - len(checks),
            fingerprint=actual,
            expected_fingerprint=fingerprint,
        )

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
        from . import _rotation

        return _rotation.read_times(self.root)

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
        from . import _repair

        return _repair.repair(_files.absolute(root), dry_run=dry_run)

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
        """
        from .frame import store_to_frame

        return store_to_frame(self, stat=stat)

    def explore(self) -> Explorer:
        """Show the Explorer, a widget to search, look at, fetch and verify what is here."""
        from .widgets import Explorer

        return Explorer(self)


def _fingerprint(contents: Contents) -> str:
    import hashlib

    digest = hashlib.sha256()
    for piece in _canonical.write(contents):
        digest.update(piece)
    return digest.hexdigest()


def _fingerprint_problems(expected: str | None, actual: str | None) -> tuple[str, ...]:
    if expected is None or expected.strip().lower() == actual:
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


def _four(item: Sequence[object]) -> _File:
    parts = tuple(item)
    if len(parts) not in {3, 4}:
        msg = f"{item!a}: a file to add is (event, production, path) or (event, production, path, new_name)."
        raise TypeError(msg)
    event, production, path, *name = parts
    return event, production, path, name[0] if name else None


def _source(event: object, production: object, file: object, new_name: object) -> tuple[Key, Path]:
    path = Path(os.fsdecode(cast("str", file)))
    name = path.name if new_name is None else new_name
    return (named("event", event), named("production", production), named("file", name)), path


def _total(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
