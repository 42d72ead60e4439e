"""A back end in memory: what a Store needs of one, in its smallest form. Nothing survives the process.

Its commits are those of an object store: resolve, place, and replace the state if it is still the one that was read.
"""

from __future__ import annotations

import contextlib
import io
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from asimov.storage._backends.base import Backend, Change, Found, Received, Source
from asimov.storage._bytes.descriptors import chunks
from asimov.storage._bytes.digests import Digest
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._disk.files import open_source
from asimov.storage._format import reader
from asimov.storage._format.retractions import records_in, retractions_in, with_retractions
from asimov.storage._model.errors import HashError
from asimov.storage._model.matching import require_expected, require_match
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents


def read(descriptor: int) -> Iterator[bytes]:
    """Yield what an open file holds, and close it."""
    try:
        yield from chunks(descriptor)
    finally:
        os.close(descriptor)


class Place:
    """What outlives one opening of a Store: its state, and its files by event, production and uuid."""

    def __init__(self, name: str, cache: Path, *, sha256: bool = False) -> None:
        text = f"events: {{}}\nname: '{name}'\n" + ("sha256: true\n" if sha256 else "")
        self.contents = reader.parse(text.encode(), Path("memory"))
        self.files: dict[Key, tuple[bytes, int]] = {}
        self.arriving: dict[str, bytes] = {}
        self.busy: set[str] = set()
        self.lock = threading.Lock()
        self.cache = cache


class Data:
    """Bytes that came in, and how they are digested."""

    def __init__(self, content: bytes, *, sha256: bool) -> None:
        self.content, self.digest = content, Digest(sha256=sha256)
        self.digest.update(content)


class Writing:
    """A new file."""

    def __init__(self, key: Key, *, sha256: bool) -> None:
        self.key, self.sha256, self.file = key, sha256, io.BytesIO()

    def finish(self, hash: str | None) -> Data:
        data = Data(self.file.getvalue(), sha256=self.sha256)
        self.file.close()
        require_expected(self.key, data.digest, hash, Path(self.key[2]))
        return data


class Arriving:
    """A file that arrives in pieces."""

    def __init__(self, place: Place, token: str, content: bytes, *, sha256: bool) -> None:
        self.place, self.token, self.content, self.sha256 = place, token, content, sha256

    @property
    def size(self) -> int:
        return len(self.content)

    def md5(self) -> str:
        return Data(self.content, sha256=False).digest.md5

    def write(self, data: bytes) -> None:
        self.content += bytes(data)

    def empty(self) -> None:
        self.content = b""

    def finish(self, key: Key, hash: str | None) -> Data:
        data = Data(self.content, sha256=self.sha256)
        require_expected(key, data.digest, hash, Path(key[2]))
        return data

    def discard(self) -> None:
        self.place.busy.discard(self.token)

    def close(self) -> None:
        self.place.arriving[self.token] = self.content
        self.discard()


class MemoryBackend(Backend):
    """One opening of the Store at a `place`."""

    def __init__(self, place: Place) -> None:
        self.place, self.lock, self.last = place, threading.RLock(), place.contents

    @property
    def location(self) -> str:
        return f"memory://{self.place.contents.name}"

    @property
    def root(self) -> None:
        return None

    @property
    def changing(self) -> threading.RLock:
        return self.lock

    def contents(self) -> Contents:
        self.last = self.place.contents
        return self.last

    @property
    def seen(self) -> Contents:
        return self.last

    def commit(self, change: Change) -> None:
        while True:
            before = self.place.contents
            lines = list(change.resolve(before))
            records = records_in(lines)
            items = {item.uuid: item for item in change.items}
            placed = {self.key(r): (items[r.uuid].data.content, time.time_ns()) for r in records if r.uuid in items}
            with self.place.lock:
                if self.place.contents is before:
                    self.place.files |= placed
                    self.place.contents = with_retractions(before.with_records(records), retractions_in(lines))
                    return

    def fold(self) -> None:
        pass

    def writable(self) -> None:
        return None

    @contextlib.contextmanager
    def receive(
        self,
        sources: Sequence[Source],
        meter: Meter,
        *,
        sha256: bool,
        opened: Callable[[Path], int] | None = None,
    ) -> Iterator[list[Received]]:
        yield [self.received(source, meter, opened or open_source, sha256=sha256) for source in sources]

    def received(self, source: Source, meter: Meter, opened: Callable[[Path], int], *, sha256: bool) -> Data:
        content = b""
        for chunk in [source.content] if source.content is not None else read(opened(source.path)):
            content += chunk
            meter.advance(len(chunk))
        data = Data(content, sha256=sha256)
        require_expected(source.key, data.digest, source.hash, source.path)
        return data

    @contextlib.contextmanager
    def new_file(self, key: Key, *, sha256: bool) -> Iterator[Writing]:
        yield Writing(key, sha256=sha256)

    def arriving(
        self, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
    ) -> Arriving:
        with self.place.lock:
            if token in self.place.busy:
                raise BlockingIOError
            self.place.busy.add(token)
            content = self.place.arriving.pop(token, b"")
        return Arriving(self.place, token, content[: keep(len(content))], sha256=sha256)

    def mend(self, files: Sequence[tuple[Record, Received]], contents: Contents, meter: Meter | None) -> None:
        for record, data in files:
            if self.proof(record, meter) is None:
                self.place.files[self.key(record)] = data.content, time.time_ns()

    def proof(self, record: Record, meter: Meter | None) -> object | None:
        with contextlib.suppress(OSError, HashError):
            return self.verified(record, None)  # what is counted is what comes in
        return None

    def where(self, record: Record) -> str:
        return "/".join([self.location, *self.key(record)])

    def pieces(self, record: Record, offset: int = 0) -> Iterator[bytes]:
        if self.key(record) not in self.place.files:
            raise FileNotFoundError(2, "it is recorded, but not there", self.where(record))
        yield self.place.files[self.key(record)][0][offset:]

    def verified(self, record: Record, meter: Meter | None) -> bytes:
        content, found = b"".join(self.pieces(record)), Digest(sha256=record.sha256 is not None)
        found.update(content)
        if meter is not None:
            meter.advance(len(content))
        require_match(record, found, self.where(record))
        return content

    def path(self, record: Record, meter: Meter | None = None) -> Path:
        path = self.place.cache / record.uuid
        path.write_bytes(self.verified(record, meter))
        return path

    def open(self, record: Record, meter: Meter | None = None) -> BinaryIO:
        return io.BytesIO(self.verified(record, meter))

    def stat(self, records: Iterable[Record]) -> Iterator[Found]:
        for record in records:
            content, modified = self.place.files.get(self.key(record), (None, None))
            yield Found(self.where(record), None if content is None else len(content), modified)

    def untracked(self, contents: Contents, groups: Iterable[tuple[str, str]]) -> list[str]:
        known, wanted = set(map(self.key, contents)), set(groups)
        strangers = sorted(key for key in self.place.files.keys() - known if key[:2] in wanted)
        return ["/".join([self.location, *key]) for key in strangers]

    @staticmethod
    def key(record: Record) -> Key:
        return record.event, record.production, record.uuid
