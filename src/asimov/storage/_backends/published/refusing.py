"""Refusing: what a Store on the web can't do. Each method raises the error that says so, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

from asimov.storage._backends.base import Arriving, Backend, Change, Received, Source, Writing
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._model.names import Key
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

from . import urls


class Refusing(Backend):
    """The half of a back end that writes, for a place where nothing can be written."""

    def writable(self) -> str:
        return f"{self.location} is on the web, where a Store can only be read"

    def untracked(self, contents: Contents, groups: Iterable[tuple[str, str]]) -> Sequence[str]:
        """Return nothing: a web server can't be asked for what else it has."""
        return ()

    def commit(self, change: Change) -> NoReturn:
        raise urls.read_only(self.location, "added or changed")

    def fold(self) -> NoReturn:
        raise urls.read_only(self.location, "written")

    def receive(
        self,
        sources: Sequence[Source],
        meter: Meter,
        *,
        sha256: bool,
        opened: Callable[[Path], int] | None = None,
    ) -> AbstractContextManager[Sequence[Received]]:
        raise urls.read_only(self.location, "added")

    def new_file(self, key: Key, *, sha256: bool) -> AbstractContextManager[Writing]:
        raise urls.read_only(self.location, "added")

    def arriving(
        self, token: str, keep: Callable[[int], int], *, sha256: bool, progress: Progress | None = None
    ) -> Arriving:
        raise urls.read_only(self.location, "added")

    def mend(self, files: Sequence[tuple[Record, Received]], contents: Contents, meter: Meter | None) -> NoReturn:
        raise urls.read_only(self.location, "restored")

    def proof(self, record: Record, meter: Meter | None) -> NoReturn:
        raise urls.read_only(self.location, "added")
