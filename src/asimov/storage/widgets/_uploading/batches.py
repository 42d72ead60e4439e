"""Small files on their way from a browser into a Store, many in one message, and in one commit.

::

    page   upload/batch    event, production, job, again, files: name, size, md5 and expected of each,
                           and one buffer that holds their bytes one after the other (none where all are empty)
                           ->   files: hash and uuid of each, or its error; took: the kernel's time in ms
    page   upload/batch/cancel    job       nothing of it is stored, unless all of it is by now

Each file is judged by itself: one whose name can't be one, whose bytes are not those that the page read, or that the
Store has already keeps no other out. What is answered with a uuid survives a power cut. ``again`` says that the page
sent all of this before, and that the answer was lost: then what is stored already was stored by that.
"""

from __future__ import annotations

import errno
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asimov.storage._model.errors import StorageError
from asimov.storage._model.names import valid_name
from asimov.storage.widgets._link.jobs import Jobs, job_of
from asimov.storage.widgets._link.messages import Message, RefusedError, State, error, request
from asimov.storage.widgets._link.progress import Cancelled, Progress
from asimov.storage.widgets._link.records import identity
from asimov.storage.widgets._served import add_contents, contents

from . import names
from .upload import no_room, require_md5

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.names import Key
    from asimov.storage._model.snapshot import Contents
    from asimov.storage._operations.adding import Added
    from asimov.storage.widgets._served import Served

BYTES = 4 * 2**20
"""Bytes that one batch holds at most."""
FILES = 500
"""Files that one batch holds at most."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file of a batch.

    Attributes
    ----------
    key : (event, production, file)
        Where it goes; checked by `Batches`.
    content : memoryview
        Its bytes.
    md5 : str
        What the page computed of what it read.
    expected : str or None
        The MD5 that the user gave.
    """

    key: Key
    content: memoryview
    md5: str
    expected: str | None

    def require_right(self) -> None:
        """Raise InvalidNameError or HashError if this file can't be stored, whatever the Store has."""
        name = valid_name("file", self.key[2])
        actual = hashlib.md5(self.content, usedforsecurity=False).hexdigest()
        require_md5(name, actual, self.md5, "the browser read {}")
        require_md5(name, actual, self.expected, "{} was expected")


class Batches:
    """Serves the small files of a widget's uploads.

    Parameters
    ----------
    store : Store
        Where they go.
    stored : callable
        ``stored(*records)``, once a batch is stored. From any thread.
    """

    def __init__(self, store: Served, stored: Callable[..., object]) -> None:
        self._store, self._stored = store, stored
        self._jobs = Jobs(busy="These files are on their way already. Wait until they are done.")

    def close(self) -> None:
        """End what is under way, unless it is being recorded."""
        self._jobs.close()

    @request("upload/batch", background=True)
    def _batch(self, message: Message) -> State:
        begun = time.monotonic()
        parts, again = _parts(message), message.flag("again", default=False)
        progress = Progress(lambda: None)
        try:
            with self._jobs.under_way(job_of(message), progress):
                verdicts = self._add(parts, progress, again=again)
        except Cancelled:
            return {"cancelled": "by its page"}
        return {"files": verdicts, "took": round(1000 * (time.monotonic() - begun))}

    @request("upload/batch/cancel")
    def _cancel(self, message: Message) -> None:
        self._jobs.cancel((message.view, message.integer("job")))

    def _add(self, parts: list[Part], progress: Progress, *, again: bool) -> list[State]:
        """Store what can be stored; return what became of each file."""
        before = contents(self._store)
        verdicts = [_verdict_before(part, before, again=again) for part in parts]
        wanted = [part for part, verdict in zip(parts, verdicts, strict=True) if verdict is None]
        added = iter(self._commit(wanted, progress))
        return [next(added) if verdict is None else verdict for verdict in verdicts]

    def _commit(self, parts: list[Part], progress: Progress) -> list[State]:
        try:
            added = add_contents(self._store, [(part.key, part.content) for part in parts], progress)
        except OSError as exc:
            raise (no_room(exc, "these files") if exc.errno in _FULL else exc) from exc
        after = contents(self._store)
        keys = [part.key for part, one in zip(parts, added, strict=True) if isinstance(one, dict)]
        self._stored(*(record for key in keys if (record := after.get(key)) is not None))
        return [_verdict(one) for one in added]


def _verdict(one: Added) -> State:
    return {"hash": one["hash"], "uuid": one["uuid"]} if isinstance(one, dict) else {"error": error(one)}


def _verdict_before(part: Part, before: Contents, *, again: bool) -> State | None:
    """Return what is known of a file before anything is written; None if it can be stored."""
    try:
        part.require_right()
    except StorageError as exc:
        return {"error": error(exc)}
    record = before.get(part.key)
    if record is None:
        return None
    if again and record.hash == part.md5:
        return dict(identity(record))
    return {"error": error(names.taken(record))}


def _parts(message: Message) -> list[Part]:
    """Read and check what a page sends."""
    place = valid_name("event", message.text("event")), valid_name("production", message.text("production"))
    files = message.content.get("files")
    if not isinstance(files, list) or not 0 < len(files) <= FILES:
        msg = f"A batch takes 1 to {FILES} files. Reload the page and try again."
        raise RefusedError(msg)
    data = message.buffer(limit=BYTES) if message.buffers else memoryview(b"")
    parts, at = [], 0
    for one in (_told(message, told) for told in files):
        key, size = (*place, one.text("name")), one.integer("size", high=BYTES)
        expected = one.text("expected", "", limit=1000).strip() or None
        content = data[at : at + size]
        parts.append(Part(key=key, content=content, md5=one.text("md5", limit=32), expected=expected))
        at += size
    if at != len(data):
        msg = f"A batch of {at} bytes came with {len(data)}. Reload the page and try again."
        raise RefusedError(msg)
    return parts


def _told(message: Message, told: object) -> Message:
    """Return what is told of one file, with the getters of a message."""
    if not isinstance(told, dict):
        msg = "A file of a batch must be an object. Reload the page and try again."
        raise RefusedError(msg)
    return Message(kind=message.kind, view=message.view, request=message.request, content=told)
