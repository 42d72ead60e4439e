"""A Store on a disk: the journal of its records, and the files that go in and come out.

Modules that a process doesn't need for listing and fetching are imported where they are used.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from asimov.storage._backends.base import Backend, Change, Found, Received, Source
from asimov.storage._bytes.digests import Named
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._bytes.threads import descriptors
from asimov.storage._disk import files
from asimov.storage._disk.folder import STORE, Folder, Reporting, Stamp
from asimov.storage._format.layout import HOME
from asimov.storage._model.errors import HashError
from asimov.storage._model.matching import require_expected
from asimov.storage._model.names import Key, on_disk
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

from . import incoming, stored
from .incoming import Incoming
from .journal import Journal

if TYPE_CHECKING:
    from asimov.storage._model.check import Check

    from .resumable import Resumable
    from .writable import Writing

_SEALED_TOGETHER = 64
_OF_THE_DESCRIPTORS = 4
"""Incoming files may have one in this many of the process's descriptors."""
_NO_DESCRIPTOR = {errno.EMFILE, errno.ENFILE}


class LocalBackend(Backend):
    """The Store in the folder `root`, which need not exist before the first call."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._journal = Journal(root)
        self._seen: Contents | None = None

    @property
    def location(self) -> str:
        """The path of the folder, as text."""
        return str(self._root)

    @property
    def root(self) -> Path:
        """The path of the folder."""
        return self._root

    @property
    def changing(self) -> threading.RLock:
        """The lock of the journal."""
        return self._journal.writing

    # Records.

    def contents(self) -> Contents:
        self._seen = self._journal.contents()
        return self._seen

    @property
    def seen(self) -> Contents:
        """The contents that were read last."""
        return self.contents() if self._seen is None else self._seen

    def commit(self, change: Change) -> None:
        from .placing import Placing

        with Reporting(self._root, side=STORE):
            self._journal.commit(Placing(change, self._root))

    def fold(self) -> None:
        self._journal.fold()

    def writable(self) -> str | None:
        home = self._root / HOME
        if os.access(home, os.W_OK | os.X_OK):
            unknown = self._journal.unknown()
            return f"it holds {unknown}, which only a later version of asimov-storage knows" if unknown else None
        if not home.exists():
            return f"{self._root} is not there any more"
        return f"this user may not write to {self._root}, or its file system is read-only"

    # Bytes into the Store.

    @contextlib.contextmanager
    def receive(
        self,
        sources: Sequence[Source],
        meter: Meter,
        *,
        sha256: bool,
        opened: Callable[[Path], int] | None = None,
    ) -> Iterator[Sequence[Received]]:
        taken: list[Incoming] = []
        with self._journal.incoming() as folder:
            root = folder.above.above
            try:
                together = max(1, min(_SEALED_TOGETHER, descriptors() // _OF_THE_DESCRIPTORS))
                while len(taken) < len(sources):
                    part = sources[len(taken) : len(taken) + together]
                    taken += _take_in(part, folder, root, meter, opened or files.open_source, sha256=sha256)
                    if len(sources) > 1:
                        for data in taken[-together:]:
                            data.close()  # there would be too many open files
                yield taken
            finally:
                for data in taken:
                    data.discard()

    @contextlib.contextmanager
    def new_file(self, key: Key, *, sha256: bool) -> Iterator[Writing]:
        from .writable import WritableFile, Writing

        path = self._root.joinpath(*map(on_disk, key))
        with self._journal.incoming() as folder:
            data = Incoming.new(folder, sha256=sha256)
            try:
                with contextlib.closing(WritableFile(data, path)) as raw:  # else the buffer would flush itself later
                    yield Writing(key, data, raw, self._root)
            finally:
                data.discard()

    def arriving(
        self, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
    ) -> Resumable:
        from . import resumable

        with self._journal.incoming() as opened:
            folder = Folder(os.dup(opened.descriptor), opened.path)
        try:
            data = resumable.resumed(folder, token, keep, sha256=sha256, progress=progress)
        except BaseException:
            folder.close()
            raise
        return resumable.Resumable(data, self._root)

    def mend(self, files: Sequence[tuple[Record, Received]], contents: Contents, meter: Meter | None) -> None:
        from . import mending

        with Folder.open(self._root) as root:
            for record, data in files:
                is_another = len(record.file) == len(record.uuid) and record.file in contents.uuids
                right = cast("Incoming", data)
                mending.Mending(root, record, right, by_name=not is_another, meter=meter).mend()
            mending.sync(root, dict.fromkeys(record.key[:2] for record, _ in files))

    def proof(self, record: Record, meter: Meter | None) -> Stamp | None:
        from .mending import Watching

        with contextlib.suppress(OSError, HashError):
            descriptor, _ = stored.open_verified(self._root, record, Watching(meter))
            try:
                return Stamp.of(descriptor)
            finally:
                os.close(descriptor)
        return None

    # Bytes out of the Store.

    def where(self, record: Record) -> Path:
        return Path(next(self.stat([record])).where)

    def pieces(self, record: Record, offset: int = 0) -> Iterator[bytes]:
        return stored.pieces(self._root, record, offset)

    def path(self, record: Record, meter: Meter | None = None) -> Path:
        descriptor, path = stored.open_verified(self._root, record, meter)
        os.close(descriptor)
        return path

    def open(self, record: Record, meter: Meter | None = None) -> BinaryIO:
        descriptor, _ = stored.open_verified(self._root, record, meter)
        return os.fdopen(descriptor, "rb")

    def copy(self, record: Record, target: int, meter: Meter | None, writing: Named) -> None:
        stored.copy(self._root, record, target, meter, writing)

    def link(self, record: Record, folder: Folder, name: str, meter: Meter | None) -> bool:
        return stored.link(self._root, record, folder, name, meter)

    def stat(self, records: Iterable[Record]) -> Iterator[Found]:
        return stored.stat_files(self._root, records)

    def untracked(self, contents: Contents, groups: Iterable[tuple[str, str]]) -> list[Path]:
        return stored.untracked(self._root, contents, groups)

    def check(self, records: Sequence[Record], meter: Meter | None = None) -> list[Check]:
        from . import checking

        return checking.check_batch(self._root, records, meter)

    # When files were last verified.

    def last_verified(self) -> Mapping[str, int]:
        from . import last_verified

        return last_verified.read_times(self._root)

    def note_verified(self, checks: Sequence[Check], recorded: Sequence[str], *, rotating: bool) -> None:
        from . import last_verified

        last_verified.note_times(self._root, checks, recorded, rotating=rotating)


def _take_in(
    sources: Sequence[Source],
    folder: Folder,
    root: Folder,
    meter: Meter,
    opened: Callable[[Path], int],
    *,
    sha256: bool,
) -> list[Incoming]:
    """Receive the first of `sources`: as many as there are descriptors for."""
    taken: list[Incoming] = []
    try:
        for key, path, expected, content, _ in sources:
            try:
                if content is None:
                    taken.append(Incoming.of_file(path, folder, meter, sha256=sha256, opened=opened))
                else:
                    taken.append(Incoming.of_content(content, folder, meter, sha256=sha256))
            except OSError as error:
                if not taken or error.errno not in _NO_DESCRIPTOR:
                    raise
                break
            require_expected(key, taken[-1].digest, expected, path)
        incoming.seal_all(taken, root)
    except BaseException:
        for data in taken:
            data.discard()
        raise
    return taken
