"""A Store as a file system of fsspec, read only: EVENT/PRODUCTION/FILE, each file verified when it is opened.

This module needs fsspec: ``pip install "asimov-storage[fsspec]"``. Importing `asimov.storage` doesn't load it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, BinaryIO, NoReturn, TypeAlias, cast

from asimov.storage._backends.base import Found
from asimov.storage._model.errors import RecordNotFoundError, StoreReadOnlyError
from asimov.storage._model.record import Record
from asimov.storage._model.selection import find, unknown
from asimov.storage._model.snapshot import Contents

from ._store import Store

try:
    from fsspec.spec import AbstractFileSystem
    from fsspec.utils import stringify_path, tokenize
except ImportError as error:
    _msg = "asimov.storage.filesystem takes fsspec. Install it with: pip install 'asimov-storage[fsspec]'"
    raise ImportError(_msg) from error

_PREFIX = "asimov-store://"
_OF_FSSPEC = {"asynchronous", "batch_size", "listings_expiry_time", "loop", "max_paths", "use_listings_cache"}
"""Options that fsspec has for every file system, and that make no difference here."""

Info: TypeAlias = dict[str, Any]
Index: TypeAlias = dict[str, list[str]]
"""The productions of each event."""


class _Surroundings:
    """What a Store that isn't named by an absolute path depends on. Fsspec keeps an instance for each value of it."""

    def __get__(self, instance: object, owner: type) -> tuple[str | None, str | None]:
        with contextlib.suppress(FileNotFoundError):  # the working folder was removed
            return os.environ.get("LOCUTUS_STORE"), str(os.path.realpath("."))
        return os.environ.get("LOCUTUS_STORE"), None


class StoreFile(io.BufferedReader):
    """A file of a Store, verified and open for reading. It can be pickled, and is verified again where it is opened.

    Attributes
    ----------
    path, name : str
        ``EVENT/PRODUCTION/FILE``.
    size : int
        Its length in bytes.
    """

    def __init__(self, opened: BinaryIO, fs: StoreFileSystem, path: str, *, retracted: bool) -> None:
        raw = opened.detach() if isinstance(opened, io.BufferedReader) else opened
        super().__init__(cast("io.RawIOBase", raw))
        self.fs, self.path, self._retracted = fs, path, retracted
        self.size = self.seek(0, os.SEEK_END)
        self.seek(0)

    @property
    def name(self) -> str:
        """The path in the Store."""
        return self.path

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return _reopened, (self.fs, self.path, self._retracted, self.tell())

    def __del__(self) -> None:
        self.close()  # without a ResourceWarning: pyarrow leaves it to this, as fsspec's own files let it


def _reopened(fs: StoreFileSystem, path: str, retracted: bool, position: int) -> StoreFile:  # noqa: FBT001 - pickle's
    file: StoreFile = fs.open(path, retracted=retracted)
    file.seek(position)
    return file


class StoreFileSystem(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    r"""A file system of fsspec over a Store: ``asimov-store://EVENT/PRODUCTION/FILE``.

    It is read only. Events and productions are its folders. Each call sees the current state of the Store; what hasn't
    changed is not read again. Each file is verified once whenever it is opened, and then read from the descriptor that
    was verified.

    Parameters
    ----------
    root : str, os.PathLike or Store, optional
        The Store, or its folder. Without it: ``$LOCUTUS_STORE``, else the nearest Store at or above the working folder.
    retracted : bool
        Open also files whose records were retracted.

    Attributes
    ----------
    store : Store
        The Store.

    Raises
    ------
    NotAStoreError, ManifestError
        There is no Store, or it can't be read.
    TypeError
        There is no such option.

    Examples
    --------
    >>> from asimov.storage.filesystem import StoreFileSystem
    >>> fs = StoreFileSystem(store)
    >>> fs.glob("GW*/Prod0/*.txt")
    ['GW150914/Prod0/samples.txt']
    >>> with fs.open("GW150914/Prod0/samples.txt", "r") as file:
    ...     file.readline()
    'chirp mass\n'
    """

    protocol = "asimov-store"
    _surroundings = _Surroundings()
    _extra_tokenize_attributes = ("_surroundings",)

    def __init__(
        self, root: str | os.PathLike[str] | Store | None = None, *, retracted: bool = False, **options: Any
    ) -> None:
        _require_known(options)
        super().__init__(**options)
        self.store = root if isinstance(root, Store) else Store(root)
        self.retracted = retracted
        self._indexed: tuple[Contents, Index] | None = None

    def __repr__(self) -> str:
        return f"<StoreFileSystem of {self.store!r}>"

    # What fsspec makes pickles, JSON and tokens of: the Store by its place, whatever it was named by.

    @property
    def storage_args(self) -> tuple[()]:
        """The arguments by position: none, since root is among `storage_options`."""
        return ()

    @storage_args.setter
    def storage_args(self, given: tuple[object, ...]) -> None:
        """Ignore what fsspec sets."""

    @property
    def storage_options(self) -> dict[str, Any]:
        """The arguments that open the same Store in any process."""
        return {**self._given, "root": self._place}

    @storage_options.setter
    def storage_options(self, given: dict[str, Any]) -> None:
        self._given = given

    @property
    def _place(self) -> str:
        return str(self.store.backend.root or self.store.backend.location)

    @property
    def _fs_token(self) -> str:
        return str(tokenize(type(self), self._place, self.retracted))

    # Paths. A name holds no slash, and every other character stands for itself.

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return str(stringify_path(path)).removeprefix(_PREFIX).strip("/")

    def _names(self, path: Any) -> tuple[str, ...]:
        plain: str = self._strip_protocol(path)
        return tuple(plain.split("/")) if plain else ()

    # Looking up.

    def _snapshot(self) -> Contents:
        return self.store.manifest.snapshot()

    def _index(self, contents: Contents) -> Index:
        """Return the index of a snapshot; it is made once, since an unchanged Store returns the same snapshot."""
        if self._indexed is None or self._indexed[0] is not contents:
            self._indexed = contents, index_of(contents)
        return self._indexed[1]

    def _record(self, path: Any) -> Record:
        """Return the record of a file; raise RecordNotFoundError or IsADirectoryError if the path is none of a file."""
        record = _found(self._snapshot(), self._names(path))
        if record is None:
            raise IsADirectoryError(errno.EISDIR, "it is no file; see what it holds with ls()", str(path))
        return record

    def _kind(self, path: Any) -> str | None:
        try:
            return "directory" if _found(self._snapshot(), self._names(path)) is None else "file"
        except RecordNotFoundError:
            return None

    def exists(self, path: Any, **_options: Any) -> bool:
        """Return whether there is such an event, production or record."""
        return self._kind(path) is not None

    def isdir(self, path: Any) -> bool:
        """Return whether there is such an event or production."""
        return self._kind(path) == "directory"

    def isfile(self, path: Any) -> bool:
        """Return whether there is such a record."""
        return self._kind(path) == "file"

    def info(self, path: Any, *, stat: bool = True, **_options: Any) -> Info:
        """Return what the Store says of a path.

        Parameters
        ----------
        path : str
            ``EVENT``, ``EVENT/PRODUCTION`` or ``EVENT/PRODUCTION/FILE``.
        stat : bool
            Look at a file whose size isn't recorded.

        Returns
        -------
        dict
            ``name``, ``size`` (bytes; None if it isn't known) and ``type`` (``file`` or ``directory``). Of a file also
            ``md5``, ``uuid``, and where they are known ``sha256``, ``created`` and ``mtime`` (both: when it was added,
            in seconds since 1970). Of a retracted one ``retracted``: the reason.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or file; this is a FileNotFoundError.
        """
        contents, names = self._snapshot(), self._names(path)
        record = _found(contents, names)
        if record is None:
            return _directory(names)
        return self._files(contents, [record], stat=stat)[0]

    def ls(self, path: Any, detail: bool = True, *, stat: bool = True, **_options: Any) -> list[Any]:  # noqa: FBT001, FBT002 - fsspec's
        """Return what an event or a production holds: the `info` of each, or with ``detail=False`` their paths.

        Parameters
        ----------
        path : str
            ``EVENT``, ``EVENT/PRODUCTION``, or nothing for all events. For a file, the list has this file.
        detail : bool
            Return dicts, not only paths.
        stat : bool
            Look at files whose sizes aren't recorded.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or file; this is a FileNotFoundError.
        """
        contents, names = self._snapshot(), self._names(path)
        record = _found(contents, names)
        if record is None and len(names) < 2:
            index = self._index(contents)
            found = [_directory((*names, name)) for name in (index[names[0]] if names else index)]
        else:
            records = map(contents.record, contents.span(*names)) if record is None else [record]
            found = self._files(contents, records, stat=stat and detail)
        return found if detail else [one["name"] for one in found]

    def _files(self, contents: Contents, records: Iterable[Record], *, stat: bool) -> list[Info]:
        """Return the infos of files; with `stat`, those whose sizes aren't recorded are looked at in one pass."""
        listed = list(records)
        unsized = [record for record in listed if record.size is None] if stat else []
        seen = {record.uuid: one for record, one in zip(unsized, self.store.backend.stat(unsized), strict=True)}
        infos = []
        for record in listed:
            info = _file(record, seen.get(record.uuid))
            added = _stamp(contents, record) if stat else None
            if added is not None:
                info["created"] = info["mtime"] = added
            if record.uuid in contents.retracted:
                info["retracted"] = contents.retracted[record.uuid].reason
            infos.append(info)
        return infos

    # Looking through many: sizes are looked at only where they are returned.

    def walk(self, path: Any, *args: Any, **options: Any) -> Iterator[Any]:
        """Yield the path of each folder, its folders and its files, as fsspec's ``walk`` does."""
        return cast("Iterator[Any]", super().walk(path, *args, **{"stat": options.get("detail", False), **options}))

    def find(
        self,
        path: Any,
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT001, FBT002 - fsspec's
        detail: bool = False,  # noqa: FBT001, FBT002 - fsspec's
        **options: Any,
    ) -> Any:
        """Return the paths of all files below a path; with `detail`, a dict of their infos."""
        return super().find(path, maxdepth, withdirs, detail, **{"stat": detail, **options})

    def glob(self, path: Any, maxdepth: int | None = None, **options: Any) -> Any:
        """Return the paths that fit a pattern of ``*``, ``**``, ``?`` and ``[...]``."""
        return super().glob(path, maxdepth, **{"stat": options.get("detail", False), **options})

    def du(
        self,
        path: Any,
        total: bool = True,  # noqa: FBT001, FBT002 - fsspec's
        maxdepth: int | None = None,
        withdirs: bool = False,  # noqa: FBT001, FBT002 - fsspec's
        **options: Any,
    ) -> Any:
        """Return the bytes of all files below a path; with ``total=False``, of each."""
        found = self.find(path, maxdepth, withdirs, detail=True, **options)
        sizes = {name: info["size"] or 0 for name, info in found.items()}
        return sum(sizes.values()) if total else sizes

    # What a file is.

    def ukey(self, path: Any) -> str:
        """Return what changes if a file does: its SHA-256 if that is recorded, else its MD5."""
        record = self._record(path)
        return record.sha256 or record.hash

    def checksum(self, path: Any) -> int:
        """Return `ukey` as a number."""
        return int(self.ukey(path), 16)

    def created(self, path: Any) -> datetime:
        """Return when a file was added, in UTC.

        Raises
        ------
        RecordNotFoundError, IsADirectoryError
            There is no such file.
        FileNotFoundError
            It is recorded without a time, and isn't on the disk.
        """
        record = self._record(path)
        added = _stamp(self._snapshot(), record)
        if added is None:
            found = next(iter(self.store.backend.stat([record])))
            if found.modified is None:
                raise FileNotFoundError(errno.ENOENT, "it is recorded, but not on the disk", found.where)
            added = found.modified / 1e9
        return datetime.fromtimestamp(added, UTC)

    def modified(self, path: Any) -> datetime:
        """Return `created`: a file in a Store is never changed."""
        return self.created(path)

    # Reading.

    def _open(self, path: Any, mode: str = "rb", *, retracted: bool | None = None, **_options: Any) -> StoreFile:
        if set(mode) & set("awx+"):
            self._refuse()
        if mode != "rb":
            msg = f"mode={mode!a}: files of a Store are opened with 'rb' or 'r'."
            raise ValueError(msg)
        wanted = self.retracted if retracted is None else retracted
        record = self._record(path)
        return StoreFile(
            self.store.open_file(*record.key, retracted=wanted), self, "/".join(record.key), retracted=wanted
        )

    def cat_file(self, path: Any, start: int | None = None, end: int | None = None, **options: Any) -> bytes:
        """Return the bytes of a file, or those from `start` to `end`, which count as in slices. All are verified."""
        with self.open(path, "rb", **options) as file:
            return _part(file, start, end)

    def cat_ranges(
        self,
        paths: list[Any],
        starts: Sequence[int | None] | int | None,
        ends: Sequence[int | None] | int | None,
        max_gap: int | None = None,  # noqa: ARG002 - fsspec's
        on_error: str = "return",
        **options: Any,
    ) -> list[bytes | Exception]:
        """Return parts of files. Each file is opened, and so verified, once for all of its parts."""
        firsts, lasts = (list(one) if isinstance(one, Sequence) else [one] * len(paths) for one in (starts, ends))
        found: list[bytes | Exception] = [b""] * len(paths)
        order = sorted(range(len(paths)), key=lambda at: str(paths[at]))
        for path, group in groupby(order, paths.__getitem__):
            places = list(group)
            try:
                with self.open(path, "rb", **options) as file:
                    for at in places:
                        found[at] = _part(file, firsts[at], lasts[at])
            except Exception as error:
                if on_error != "return":
                    raise
                for at in places:
                    found[at] = error
        return found

    # Writing is refused.

    def _refuse(self, *_given: object, **_named: object) -> NoReturn:
        """Raise StoreReadOnlyError, which says how files are added."""
        msg = "A Store is read only through fsspec: what is in it never changes, and nothing was written. "
        msg += f'Add a file with Store({self._place!r}).add_file("EVENT", "PRODUCTION", path).'
        raise StoreReadOnlyError(msg)

    mkdir = makedirs = rmdir = _refuse
    rm = rm_file = _rm = _refuse
    mv = copy = cp_file = _refuse
    put = put_file = pipe = pipe_file = write_text = touch = _refuse


def _require_known(options: dict[str, Any]) -> None:
    """Raise TypeError if there is an unknown option: a misspelled root would open another Store."""
    if "target_protocol" in options:
        msg = "'::' in a URL means a chain of file systems to fsspec, and asimov-store:// can only be its last. "
        msg += "If a name holds it, open the file by its path: fsspec.filesystem('asimov-store', root=...).open(path)."
        raise TypeError(msg)
    strange = sorted(options.keys() - _OF_FSSPEC)
    if strange:
        msg = f"asimov-store has no option {', '.join(map(ascii, strange))}: its options are root and retracted."
        raise TypeError(msg)


def index_of(contents: Contents) -> Index:
    """Return the productions of each event of a snapshot, sorted, those among them that hold nothing."""
    groups = {key[:2] for key in contents.keys} | set(contents.empties)
    index: Index = {}
    for event, *production in sorted(groups):
        index.setdefault(event, []).extend(production)
    return index


def _found(contents: Contents, names: tuple[str, ...]) -> Record | None:
    """Return the record that names mean, None if they mean all events, an event or a production.

    Raises
    ------
    RecordNotFoundError
        They mean nothing in the Store.
    """
    if len(names) > 3:
        msg = f"The Store has no {'/'.join(names)!a}: a path in it is EVENT/PRODUCTION/FILE."
        raise RecordNotFoundError(msg)
    if len(names) == 3:
        return find(contents, names)
    if names and not contents.has(*names):
        raise unknown(contents, *names)
    return None


def _directory(names: tuple[str, ...]) -> Info:
    return {"name": "/".join(names), "size": 0, "type": "directory"}


def _file(record: Record, seen: Found | None) -> Info:
    size = record.size if seen is None else seen.size
    info: Info = {"name": "/".join(record.key), "size": size, "type": "file", "md5": record.hash, "uuid": record.uuid}
    if record.sha256 is not None:
        info["sha256"] = record.sha256
    if seen is not None and seen.modified is not None:
        info["created"] = info["mtime"] = seen.modified / 1e9
    return info


def _stamp(contents: Contents, record: Record) -> float | None:
    """Return the time of a record's stamp in seconds since 1970; None if it has none."""
    if not contents.with_stamp:
        return None
    try:
        time = datetime.fromisoformat(record.meta.get("added", ""))
    except (TypeError, ValueError):
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _part(file: StoreFile, start: int | None, end: int | None) -> bytes:
    first, last, _ = slice(start, end).indices(file.size)
    file.seek(first)
    return file.read(max(0, last - first))
