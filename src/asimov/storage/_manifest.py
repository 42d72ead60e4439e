"""Manifest: the record of a Store's contents, with upstream asimov's interface."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from asimov.storage._backends import opening
from asimov.storage._backends.base import Backend
from asimov.storage._display.text import shown
from asimov.storage._model.errors import RecordExistsError, StorageError
from asimov.storage._model.identity import plain_md5, plain_uuid
from asimov.storage._model.names import key_of, valid_name
from asimov.storage._model.record import Record, identity
from asimov.storage._model.selection import find, find_uuid, is_recorded, within
from asimov.storage._model.snapshot import Contents

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID


class _HasRoot(Protocol):
    @property
    def root(self) -> str | os.PathLike[str]: ...


class Manifest:
    """The records of a Store. Each call reads the current state.

    Parameters
    ----------
    store : Store
        A Store, or any object with a ``root``.

    Attributes
    ----------
    store
        The object that was given.
    root : pathlib.Path
        The Store's folder, absolute.
    backend : Backend
        The back end of the Store; for this package's own parts.

    Raises
    ------
    NotAStoreError
        There is no Store at this root.
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
        if not isinstance(getattr(store, "root", None), (str, os.PathLike)) and _backend_of(store) is None:
            msg = f"{shown(store)} is no Store: a Manifest takes a Store, or an object with a root."
            raise TypeError(msg)
        self.store = store
        self.backend = _backend_of(store) or opening.of(store.root)
        self.root = cast("Path", self.backend.root)  # or None, as in Store
        self._pending: list[Record] = []
        self.backend.contents()

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in vars(self).items() if name != "backend"}
        return {**state, "_pending": [*self._pending]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.backend = _backend_of(self.store) or opening.of(self.root)
        self.backend.contents()

    @classmethod
    def create(cls, store: Mapping[str, Any]) -> None:
        """Write the manifest of a new Store.

        Parameters
        ----------
        store : mapping
            A mapping with ``root``, the Store's folder, and ``name``, the Store's name.

        Raises
        ------
        StoreExistsError
            There is a Store already.
        """
        if not isinstance(store, Mapping) or not {"root", "name"} <= store.keys():  # type: ignore[redundant-expr]
            msg = f"{shown(store)}: Manifest.create() takes a mapping with root and name. Store.create() is simpler."
            raise TypeError(msg)
        opening.create(store["root"], store["name"], sha256=False)

    def snapshot(self) -> Contents:
        """Return the current state, with the records that `add_record` noted; for this package's own parts."""
        contents = self.backend.contents()
        return contents.with_records([r for r in self._pending if contents.get(r.key) is None])

    def __len__(self) -> int:
        return len(self.snapshot())

    def __iter__(self) -> Iterator[Record]:
        return iter(self.snapshot())

    def __contains__(self, item: object) -> bool:
        """Return whether this Record (not only its names), (event, production, file), or uuid is recorded."""
        return is_recorded(self.snapshot(), item)

    @property
    def data(self) -> dict[str, Any]:
        """The manifest as a dict: ``{"name", "events": {event: {production: {file: {"hash", "uuid"}}}}}``.

        It is read-only, since a change to it would not get into the Store; ``copy.deepcopy`` returns a plain dict.
        """
        from asimov.storage._model.read_only import ReadOnlyDict

        contents = self.snapshot()
        events: dict[str, dict[str, dict[str, dict[str, Any]]]] = {}
        for event, *production in contents.empties:
            below = events.setdefault(event, {})
            if production:
                below[production[0]] = {}
        for record in contents:
            event_data = events.setdefault(record.event, {})
            event_data.setdefault(record.production, {})[record.file] = _full_entry(record)
        data: dict[str, Any] = {"name": contents.name, "events": events}
        options = {"sha256": contents.with_sha256, "stamp": contents.with_stamp}
        return ReadOnlyDict(data | {option: True for option, is_on in options.items() if is_on})

    @property
    def hash_dict(self) -> dict[str, dict[str, str]]:
        """``{hash: {"hash", "uuid"}}`` of every record; if several have the same hash, the last one counts."""
        return {record.hash: identity(record) for record in self.snapshot()}

    @property
    def uuid_dict(self) -> dict[str, str]:
        """``{uuid: path}`` of every record; the paths are absolute and not verified: `Store.fetch_uuid` verifies."""
        contents = self.snapshot()
        return {uuid: found.where for uuid, found in zip(contents.uuids, self.backend.stat(contents), strict=True)}

    def get_hash(self, uuid: str) -> str:
        """Return the MD5 recorded for a uuid, in any of its forms.

        Raises
        ------
        RecordNotFoundError
            The uuid is unknown.
        """
        return find_uuid(self.snapshot(), uuid).hash

    def get_uuid(self, event: object, production: object, filename: object) -> str:
        """Return the uuid recorded for a file.

        Raises
        ------
        RecordNotFoundError
            There is no such event, production or file.
        """
        return find(self.snapshot(), key_of(event, production, filename)).uuid

    def list_resources(self, event: object, production: object) -> dict[str, dict[str, str]]:
        """Return the files of a production: ``{file: {"hash", "uuid"}}``, a copy.

        Raises
        ------
        RecordNotFoundError
            There is no such event or production.
        """
        contents = self.snapshot()
        span = within(contents, valid_name("event", event), valid_name("production", production))
        return {record.file: identity(record) for record in map(contents.record, span)}

    def add_record(
        self, event: object, production: object, resource: object, hash: str, resource_uuid: UUID | str
    ) -> None:
        """Note a record, which `update` publishes; the caller takes care of the file itself.

        Parameters
        ----------
        event, production, resource : str
            The names of the file, or objects with a ``name``.
        hash : str
            The MD5 of the file: 32 hexadecimal digits.
        resource_uuid : uuid.UUID or str
            The file's identity.

        Raises
        ------
        RecordExistsError
            There is a record with this name or this uuid.
        """
        key = key_of(event, production, resource)
        digits, digest = plain_uuid(resource_uuid), plain_md5(hash)
        if digits is None or digest is None:
            msg = f"{hash!a} and {str(resource_uuid)!a} are no MD5 and uuid: each takes 32 hexadecimal digits."
            raise ValueError(msg)
        from asimov.storage._operations.recording import require_new

        with self.backend.changing:
            require_new(self.snapshot(), key, digits)
            self._pending.append(Record(event=key[0], production=key[1], file=key[2], hash=digest, uuid=digits))

    def update(self) -> None:
        """Publish the records that `add_record` noted, in addition to those that others have added meanwhile.

        Raises
        ------
        RecordExistsError
            Another writer has recorded one of the names meanwhile. Nothing is published, and the noted records are
            forgotten.
        """
        from asimov.storage._operations.recording import Recording

        with self.backend.changing:
            if not self._pending:
                return
            noted = list(self._pending)
            try:
                self.backend.commit(Recording(noted))
            except RecordExistsError:
                del self._pending[: len(noted)]
                raise
            del self._pending[: len(noted)]

    def reasons(self) -> dict[str, str]:
        """Return why records were retracted, by uuid; for this package's own parts."""
        return {uuid: retraction.reason for uuid, retraction in self.backend.seen.retracted.items()}

    def columns(self) -> tuple[list[str], list[str], list[str], list[str], list[str]]:
        """Return events, productions, files, hashes and uuids, sorted: for tables of many rows."""
        contents = self.snapshot()
        events, productions, files = ([key[part] for key in contents.keys] for part in range(3))
        return events, productions, files, contents.hashes, contents.uuids

    def __repr__(self) -> str:
        from asimov.storage._display.pages import manifest_line

        return manifest_line(self.backend.seen.name, self.backend.location)

    def _repr_html_(self) -> str:
        from asimov.storage._display.pages import manifest_html, unreadable_html

        try:
            columns = self.columns()
        except (StorageError, OSError) as error:
            return unreadable_html(repr(self), error)
        return manifest_html(self.backend.seen.name, self.backend.location, columns, self.reasons())


def _backend_of(store: object) -> Backend | None:
    """Return the back end of a Store; None for any other object, which only has a root."""
    backend = getattr(store, "backend", None)
    return backend if isinstance(backend, Backend) else None


def _full_entry(record: Record) -> dict[str, Any]:
    entry: dict[str, Any] = {**identity(record)}
    if record.sha256 is not None:
        entry["sha256"] = record.sha256
    if record.size is not None:
        entry["size"] = record.size
    return {**entry, **record.further}
