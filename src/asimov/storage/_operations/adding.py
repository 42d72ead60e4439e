"""Adding files: the decisions about their names and duplicates, for any back end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from asimov.storage._backends.base import Arriving, Backend, Item, Received, Source, new_uuid
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._model.errors import AlreadyPresentException, RecordExistsError
from asimov.storage._model.names import Key, key_of
from asimov.storage._model.record import Duplicate, Record
from asimov.storage._model.snapshot import Contents

from . import arguments
from .duplicates import Recorded, require_duplicate
from .meta import checked, stamped

if TYPE_CHECKING:
    from typing import TypeAlias

    from typing_extensions import Buffer

    Added: TypeAlias = dict[str, str] | RecordExistsError | AlreadyPresentException
    """The result for one file: what `Store.add_file` returns, or raises."""


# The entry points.


def add(
    backend: Backend,
    sources: Sequence[Source],
    *,
    duplicate: Duplicate = "raise",
    progress: Progress | bool | None = None,
    opened: Callable[[Path], int] | None = None,
) -> list[dict[str, str]]:
    """Add files, all or none; return what `Store.add_files` does.

    Parameters
    ----------
    opened : callable, optional
        ``opened(path)`` opens a source and returns its descriptor; otherwise sources are opened by their paths.
    """
    require_duplicate(duplicate)
    with arguments.reporting(progress, "add") as reported:
        if not sources:
            return []
        sha256 = backend.seen.with_sha256  # the same since the Store's creation; the commit reads the rest
        meter = Meter(reported, _total(source.path for source in sources) if reported is not None else 0)
        with backend.receive(sources, meter, sha256=sha256, opened=opened) as received:
            meter.finish()
            items = _items(backend, sources, received)
            return commit(backend, items, duplicate, meter)


def add_contents(
    backend: Backend,
    contents: Sequence[tuple[Key, Buffer]],
    *,
    meta: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> list[Added]:
    """Add small files from memory in one commit. A file that is refused doesn't keep the others out.

    Parameters
    ----------
    meta : mapping, optional
        The notes on each of their records, checked.

    Returns
    -------
    list of dict or error
        For each file what `Store.add_file` returns, or the RecordExistsError or AlreadyPresentException it raises.
    """
    if not contents:
        return []
    sources = [Source(key, Path(key[2]), None, content, meta) for key, content in contents]
    meter = Meter(progress, sum(memoryview(content).nbytes for _, content in contents))
    with backend.receive(sources, meter, sha256=backend.seen.with_sha256) as received:
        meter.finish()
        addition = EachAddition(_items(backend, sources, received))
        backend.commit(addition)
    return addition.verdicts


@contextlib.contextmanager
def new_file(
    backend: Backend,
    event: object,
    production: object,
    name: object,
    *,
    hash: object,
    duplicate: Duplicate,
    meta: object = None,
) -> Iterator[BinaryIO]:
    """Open a new file for writing, and add it at the end of the ``with`` block, if it has the MD5 `hash`."""
    require_duplicate(duplicate)
    key = key_of(event, production, name)
    digits, notes = arguments.digest(hash, Path(key[2])), checked(meta)
    with backend.new_file(key, sha256=backend.contents().with_sha256) as new:
        yield new.file
        commit(backend, [Item(key, new.finish(digits), stamped(notes, backend.seen))], duplicate)


class PartialFile:
    """A file that arrives in pieces, from a browser for example, and can be resumed after an interruption.

    Parameters
    ----------
    backend : Backend
        The back end that stores the file.
    key : (event, production, file)
        The names of the file.
    token, keep, progress
        As for `Backend.arriving`.

    Raises
    ------
    BlockingIOError
        Another writer is using this token.
    """

    def __init__(
        self,
        backend: Backend,
        key: Key,
        *,
        token: str,
        keep: Callable[[int], int] = int,
        progress: Progress | None = None,
    ) -> None:
        self._backend, self._key = backend, key
        sha256 = backend.contents().with_sha256
        self._data: Arriving = backend.arriving(token, keep, sha256=sha256, progress=progress)

    @property
    def size(self) -> int:
        """How many bytes have arrived."""
        return self._data.size

    def md5(self) -> str:
        """Return the MD5 of those bytes: 32 lower-case hexadecimal digits."""
        return self._data.md5()

    def write(self, data: Buffer) -> None:
        """Append `data`."""
        self._data.write(data)

    def empty(self) -> None:
        """Remove all bytes, and begin again."""
        self._data.empty()

    def commit(
        self, *, hash: str | None = None, duplicate: Duplicate = "raise", meta: Mapping[str, object] | None = None
    ) -> dict[str, str]:
        """Add the file to the Store, as `Store.add_file` does; the arrived bytes are gone even if that fails."""
        try:
            notes = stamped(meta, self._backend.seen)
            return commit(self._backend, [Item(self._key, self._data.finish(self._key, hash), notes)], duplicate)[0]
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the bytes that have arrived."""
        self._data.discard()

    def close(self) -> None:
        """Keep the bytes for a day, so that others can resume; remove them if others couldn't find them."""
        self._data.close()


def _items(backend: Backend, sources: Sequence[Source], received: Sequence[Received]) -> list[Item]:
    contents = backend.seen
    pairs = zip(sources, received, strict=True)
    return [Item(source.key, data, stamped(source.meta, contents)) for source, data in pairs]


def commit(
    backend: Backend, items: list[Item], duplicate: Duplicate, meter: Meter | None = None
) -> list[dict[str, str]]:
    """Add the received files, all or none."""
    addition = Addition(items, duplicate)
    while True:
        if duplicate != "raise":
            addition.prepare(backend, backend.contents(), meter)
        with contextlib.suppress(Overtaken):
            backend.commit(addition)
            return addition.results


# The decisions.


class Overtaken(Exception):
    """Another writer has recorded one of the names, with the same bytes, since `Addition.prepare`."""


class Addition:
    """The change (see `base.Change`) that adds `items`, all or none."""

    def __init__(self, items: Sequence[Item], duplicate: Duplicate) -> None:
        self.items, self.duplicate = items, duplicate
        self.results: list[dict[str, str]] = []
        self.sound: dict[str, object] = {}
        self.mended: set[str] = set()
        """Uuids of records whose files were checked, and mended if necessary."""

    def resolve(self, contents: Contents) -> Sequence[Record]:
        """Decide about each item; the results are in `results`.

        Raises
        ------
        Overtaken
            The file of a record that exists already hasn't been checked: `prepare` again.
        """
        records = self._decide(contents)
        if any(item.present is not None and item.present.uuid not in self.mended for item in self.items):
            raise Overtaken
        return records

    def renew(self) -> None:
        """Set a new uuid for every item."""
        for item in self.items:
            item.uuid = new_uuid()

    def prepare(self, backend: Backend, contents: Contents, meter: Meter | None = None) -> None:
        """Check the recorded files that this addition relies on, and mend them, before the commit: it may take long.

        Raises
        ------
        RecordExistsError, AlreadyPresentException
            As from `resolve`, before anything is done.
        OSError
            A file can't be read, or can't be mended.
        """
        own = {record.uuid for record in self._decide(contents)}
        present = {item.present.uuid: (item.present, item.data) for item in self.items if item.present is not None}
        backend.mend(list(present.values()), contents, meter)
        self.mended |= set(present)
        shared = [item.shared for item in self.items if item.shared is not None and item.shared.uuid not in own]
        for record in shared:
            if record.uuid not in self.sound and (proof := backend.proof(record, meter)) is not None:
                self.sound[record.uuid] = proof

    def _decide(self, contents: Contents) -> list[Record]:
        recorded = Recorded(contents, len(self.items))
        self.results = []
        for item in self.items:
            found = recorded.find(item, self.duplicate)
            again = found is not None and found.key == item.key
            item.present = found if item.key not in recorded.new and again else None
            item.shared = None if again else found
            if found is None or not again:
                found = item.record()
                recorded.add(found)
            self.results.append(_result(found))
        return list(recorded.new.values())


class EachAddition(Addition):
    """The change that adds those of `items` that can be added; the decision about each is in `verdicts`."""

    def __init__(self, items: Sequence[Item]) -> None:
        super().__init__(items, "raise")
        self.verdicts: list[Added] = []

    def _decide(self, contents: Contents) -> list[Record]:
        recorded = Recorded(contents, len(self.items))
        self.verdicts = []
        for item in self.items:
            try:
                recorded.find(item, self.duplicate)
            except (RecordExistsError, AlreadyPresentException) as error:
                self.verdicts.append(error)
            else:
                recorded.add(record := item.record())
                self.verdicts.append(_result(record))
        return list(recorded.new.values())


def _result(record: Record) -> dict[str, str]:
    """Return what `Store.add_file` does."""
    names = {"event": record.event, "production": record.production, "file": record.file}
    return {**names, "hash": record.hash, "uuid": record.uuid}


def _total(paths: Iterable[Path]) -> int:
    return sum(path.stat().st_size for path in paths)
