"""Manifest: the record of a Store's contents, with upstream asimov's interface."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from asimov.storage._backends.local import creation
from asimov.storage._backends.local.journal import Journal
from asimov.storage._disk import files
from asimov.storage._disk.folder import STORE, Folder, Reporting
from asimov.storage._disk.temporary import Temporary
from asimov.storage._display.text import shown
from asimov.storage._model.errors import RecordExistsError, RecordNotFoundError, StorageError
from asimov.storage._model.identity import plain_md5, plain_uuid, searched_uuid
from asimov.storage._model.names import Key, named, on_disk
from asimov.storage._model.record import Record, identity
from asimov.storage._model.selection import find, is_recorded, within
from asimov.storage._model.snapshot import Contents

if TYPE_CHECKING:
    from uuid import UUID


class _HasRoot(Protocol):
    @property
    def root(self) -> str | os.PathLike[str]: ...


class Manifest:
    """What a Store has recorded. Every look at it is a look at the present state.

    Parameters
    ----------
    store : Store
        Or anything with a ``root``.

    Raises
    ------
    NotAStoreError
        There is no Store at that root.
    ManifestError
        Its manifest can't be read.

    Examples
    --------
    >>> from asimov.storage import Store
    >>> store = Store.create(folder / "store", "Test Store")
    >>> len(store.manifest)
    0
    """

    def __init__(self, store: _HasRoot) -> None:
        if not isinstance(getattr(store, "root", None), (str, os.PathLike)):
            msg = f"{shown(store)} is no Store: a Manifest takes a Store, or an object with a root."
            raise TypeError(msg)
        self.store = store
        self.root = files.absolute(store.root)
        self._pending: list[Record] = []
        self._open()

    def _open(self) -> None:
        self._journal = Journal(self.root)
        self._snapshot = self._journal.contents()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name not in {"_journal", "_snapshot"}}
        return {**state, "_pending": [*self._pending]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    @classmethod
    def create(cls, store: Mapping[str, Any]) -> None:
        """Write the manifest of a new Store.

        Parameters
        ----------
        store : mapping
            With ``root``, the Store's folder, and ``name``, the Store's name.

        Raises
        ------
        StoreExistsError
            There is one already.
        """
        if not isinstance(store, Mapping) or not {"root", "name"} <= store.keys():  # type: ignore[redundant-expr]
            msg = f"{shown(store)}: Manifest.create() takes a mapping with root and name. Store.create() is simpler."
            raise TypeError(msg)
        root = files.absolute(store["root"])
        with Reporting(root, side=STORE):
            creation.create(root, store["name"], sha256=False)

    def _contents(self) -> Contents:
        """Read the present state, with what `add_record` added to this object."""
        self._snapshot = self._journal.contents()
        if not self._pending:
            return self._snapshot
        return self._snapshot.with_records([r for r in self._pending if self._snapshot.get(r.key) is None])

    def __len__(self) -> int:
        return len(self._contents())

    def __iter__(self) -> Iterator[Record]:
        return iter(self._contents())

    def __contains__(self, item: object) -> bool:
        """Return whether a Record (it, not only its name), an (event, production, file), or a uuid is recorded."""
        return is_recorded(self._contents(), item)

    @property
    def data(self) -> dict[str, Any]:
        """The manifest as a dict: ``{"name", "events": {event: {production: {file: {"hash", "uuid"}}}}}``.

        It is read-only, since nothing that is written to it gets into the Store; ``copy.deepcopy`` gives a plain dict.
        """
        from asimov.storage._model.read_only import ReadOnlyDict

        contents = self._contents()
        events: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
        for event, *production in contents.empties:
            below = events.setdefault(event, {})
            if production:
                below[production[0]] = {}
        for record in contents:
            event_data = events.setdefault(record.event, {})
            event_data.setdefault(record.production, {})[record.file] = _full_entry(record)
        data: dict[str, Any] = {"name": contents.name, "events": events}
        return ReadOnlyDict({**data, "sha256": True} if contents.with_sha256 else data)

    @property
    def hash_dict(self) -> dict[str, dict[str, str]]:
        """``{hash: {"hash", "uuid"}}`` of every record; of several with one hash, the last."""
        return {record.hash: identity(record) for record in self._contents()}

    @property
    def uuid_dict(self) -> dict[str, str]:
        """``{uuid: path}`` of every record, the paths absolute and not verified: `Store.fetch_uuid` verifies."""
        return {record.uuid: str(self._path(record)) for record in self._contents()}

    def _path(self, record: Record) -> Path:
        folder = self.root / on_disk(record.event) / on_disk(record.production)
        by_uuid, by_name = folder / record.uuid, folder / on_disk(record.file)
        return by_name if not by_uuid.exists() and by_name.exists() else by_uuid

    def get_hash(self, uuid: str) -> str:
        """Give the MD5 recorded for a uuid, in any of its forms.

        Raises
        ------
        RecordNotFoundError
            It is unknown.
        """
        return self._by_uuid(uuid).hash

    def _by_uuid(self, uuid: str | UUID) -> Record:
        contents = self._contents()
        digits = searched_uuid(uuid)
        record = None if digits is None else contents.by_uuid(digits)
        if record is None:
            msg = f"The Store has no record with the uuid {str(uuid)!a}."
            raise RecordNotFoundError(msg)
        return record

    def get_uuid(self, event: object, production: object, filename: object) -> str:
        """Give the uuid recorded for a file.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or file.
        """
        return find(self._contents(), _key(event, production, filename)).uuid

    def list_resources(self, event: object, production: object) -> dict[str, dict[str, str]]:
        """List the files of a production: ``{file: {"hash", "uuid"}}``, a copy.

        Raises
        ------
        RecordNotFoundError
            There is no such event or production.
        """
        contents = self._contents()
        span = within(contents, named("event", event), named("production", production))
        return {record.file: identity(record) for record in map(contents.record, span)}

    def add_record(
        self, event: object, production: object, resource: object, hash: str, resource_uuid: UUID | str
    ) -> None:
        """Note a record, which `update` publishes; the file itself is the caller's business.

        Parameters
        ----------
        event, production, resource : str
            Or objects with a ``name``.
        hash : str
            MD5, 32 hexadecimal digits.
        resource_uuid : uuid.UUID or str
            The file's identity.

        Raises
        ------
        RecordExistsError
            There is a record of that name.
        """
        key = _key(event, production, resource)
        digits, digest = plain_uuid(resource_uuid), plain_md5(hash)
        if digits is None or digest is None:
            msg = f"{hash!a} and {str(resource_uuid)!a} are no MD5 and uuid: each takes 32 hexadecimal digits."
            raise ValueError(msg)
        with self._journal.writing:
            contents = self._contents()
            if contents.get(key) is not None or contents.by_uuid(digits) is not None:
                msg = f"{' / '.join(map(ascii, key))}, or its uuid, is recorded already, and records are never changed."
                raise RecordExistsError(msg)
            self._pending.append(Record(event=key[0], production=key[1], file=key[2], hash=digest, uuid=digits))

    def update(self) -> None:
        """Publish what `add_record` noted, beside what others have added meanwhile.

        Raises
        ------
        RecordExistsError
            Somebody else has recorded one of the names meanwhile; nothing is published, and what was noted is
            forgotten.
        """
        with self._journal.writing:
            if not self._pending:
                return
            noted = list(self._pending)
            try:
                with Reporting(self.root, side=STORE):
                    self._journal.commit(_Records(noted))
            except RecordExistsError:
                del self._pending[: len(noted)]
                raise
            del self._pending[: len(noted)]

    def _columns(self) -> tuple[list[str], list[str], list[str], list[str], list[str]]:
        """Give events, productions, files, hashes and uuids, sorted: for tables of many rows."""
        contents = self._contents()
        events, productions, files = ([key[part] for key in contents.keys] for part in range(3))
        return events, productions, files, contents.hashes, contents.uuids

    def __repr__(self) -> str:
        from asimov.storage._display.pages import manifest_line

        return manifest_line(self._snapshot.name, self.root)

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import manifest_html, unreadable_html

        try:
            columns = self._columns()
        except (StorageError, OSError) as error:
            return unreadable_html(repr(self), error)
        return manifest_html(self._snapshot.name, self.root, columns)


class _Records:
    """The change that adds records whose files are not our business."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records

    def resolve(self, contents: Contents) -> Sequence[Record]:
        for record in self.records:
            if contents.get(record.key) is not None or contents.by_uuid(record.uuid) is not None:
                msg = (
                    f"{' / '.join(map(ascii, record.key))}, or its uuid, has been recorded meanwhile. "
                    "Nothing was published of what was noted; note the others again."
                )
                raise RecordExistsError(msg)
        return self.records

    def place(self, root: Folder, contents: Contents, alive: Temporary) -> None:
        """Place nothing."""

    def withdraw(self, root: Folder) -> None:
        """Take back nothing."""

    def renew(self) -> None:
        """Keep the uuids: the caller gave them."""


def _key(event: object, production: object, file: object) -> Key:
    return named("event", event), named("production", production), named("file", file)


def _full_entry(record: Record) -> dict[str, Any]:
    entry: dict[str, Any] = {**identity(record)}
    if record.sha256 is not None:
        entry["sha256"] = record.sha256
    if record.size is not None:
        entry["size"] = record.size
    return {**entry, **record.further}
