"""Batches: uploads of many small files from a browser in one message, stored in one commit.

::

    page   upload/batch    event, production, meta, job, again, files: name, size, md5 and expected of each,
                           and one buffer with their bytes one after the other (no buffer if all are empty)
                           ->   files: hash and uuid of each, or its error; took: the kernel's time in ms
    page   upload/batch/cancel    job       nothing of the batch is stored, unless all of it is stored by now

Each file is checked by itself. It is refused if its name is not valid, if its bytes are not those that the page read,
or if the Store has a file of that name already. The other files of the batch are stored nevertheless. A file that is
answered with a uuid survives a power cut. ``again`` means that the page has sent this batch before, and the answer was
lost. Then a file that is in the Store already, with the same MD5, was stored by the earlier message.
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
from .notes import Meta, notes_of
from .upload import no_room, require_md5

if TYPE_CHECKING:
    from collections.abc import Callable

    from asimov.storage._model.names import Key
    from asimov.storage._model.snapshot import Contents
    from asimov.storage._operations.adding import Added
    from asimov.storage.widgets._served import Served

BYTES = 4 * 2**20
"""The largest number of bytes in a batch."""
FILES = 500
"""The largest number of files in a batch."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file of a batch.

    Attributes
    ----------
    key : (event, production, file)
        The key of the new record. `Batches` checks it.
    content : memoryview
        The bytes of the file.
    md5 : str
        The MD5 of the bytes that the page read.
    expected : str or None
        The MD5 that the user gave.
    """

    key: Key
    content: memoryview
    md5: str
    expected: str | None

    def require_right(self) -> None:
        """Raise InvalidNameError or HashError if this file can't be stored in any Store."""
        name = valid_name("file", self.key[2])
        actual = hashlib.md5(self.content, usedforsecurity=False).hexdigest()
        require_md5(name, actual, self.md5, "the browser read {}")
        require_md5(name, actual, self.expected, "{} was expected")


class Batches:
    """Serves the small files of a widget's uploads.

    Parameters
    ----------
    store : Store
        The Store to add the files to.
    stored : callable
        ``stored(*records)`` is called when a batch is stored, from any thread.
    """

    def __init__(self, store: Served, stored: Callable[..., object]) -> None:
        self._store, self._stored = store, stored
        self._jobs = Jobs(busy="These files are on their way already. Wait until they are done.")

    def close(self) -> None:
        """End all batches under way, unless they are being recorded."""
        self._jobs.close()

    @request("upload/batch", background=True)
    def _batch(self, message: Message) -> State:
        begun = time.monotonic()
        parts, meta, again = _parts(message), notes_of(message), message.flag("again", default=False)
        progress = Progress(lambda: None)
        try:
            with self._jobs.under_way(job_of(message), progress):
                verdicts = self._add(parts, meta, progress, again=again)
        except Cancelled:
            return {"cancelled": "by its page"}
        return {"files": verdicts, "took": round(1000 * (time.monotonic() - begun))}

    @request("upload/batch/cancel")
    def _cancel(self, message: Message) -> None:
        self._jobs.cancel((message.view, message.integer("job")))

    def _add(self, parts: list[Part], meta: Meta | None, progress: Progress, *, again: bool) -> list[State]:
        """Store the files that can be stored, and return the result of each file."""
        before = contents(self._store)
        verdicts = [_verdict_before(part, before, again=again) for part in parts]
        wanted = [part for part, verdict in zip(parts, verdicts, strict=True) if verdict is None]
        added = iter(self._commit(wanted, meta, progress))
        return [next(added) if verdict is None else verdict for verdict in verdicts]

    def _commit(self, parts: list[Part], meta: Meta | None, progress: Progress) -> list[State]:
        try:
            added = add_contents(self._store, [(part.key, part.content) for part in parts], meta, progress)
        except OSError as exc:
            raise (no_room(exc, "these files") if exc.errno in _FULL else exc) from exc
        after = contents(self._store)
        keys = [part.key for part, one in zip(parts, added, strict=True) if isinstance(one, dict)]
        self._stored(*(record for key in keys if (record := after.get(key)) is not None))
        return [_verdict(one) for one in added]


def _verdict(one: Added) -> State:
    return {"hash": one["hash"], "uuid": one["uuid"]} if isinstance(one, dict) else {"error": error(one)}


def _verdict_before(part: Part, before: Contents, *, again: bool) -> State | None:
    """Return the result of a file if it is known before anything is written, or None if the file can be stored."""
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
    """Read and check the files of a message."""
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
    """Return the values of one file in a batch as a Message, for its getters."""
    if not isinstance(told, dict):
        msg = "A file of a batch must be an object. Reload the page and try again."
        raise RefusedError(msg)
    return Message(kind=message.kind, view=message.view, request=message.request, content=told)
