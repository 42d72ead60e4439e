"""Verification: is every file still what was stored? On threads, or on any `concurrent.futures.Executor`."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from asimov.storage._bytes import digests
from asimov.storage._bytes.digests import Digest
from asimov.storage._bytes.progress import Meter, Progress
from asimov.storage._bytes.threads import Threads, reading_threads
from asimov.storage._disk import temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._display.text import shown
from asimov.storage._model.check import Check, Status
from asimov.storage._model.errors import HashError
from asimov.storage._model.names import Key, on_disk
from asimov.storage._model.record import Record
from asimov.storage._model.snapshot import Contents

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future  # loads logging, which who only reads needn't wait for
    from datetime import timedelta

_BATCH_FILES, _BATCH_BYTES, _LOCAL_BYTES = 64, 32 << 20, 8 << 20
_WINDOW, _FAR_WINDOW = 64, 1024
"""How many tasks wait or are at work at a time: on threads, and on what may be a cluster of hundreds of workers."""
_POLL = 0.1
_IGNORED = (".ipynb_checkpoints", ".DS_Store")

OnCheck = Callable[[Check], object]


# One file.


def folder_of(root: str | Path, record: Record) -> Path:
    """Return the path of the folder that a record's file is in."""
    return Path(root, on_disk(record.event), on_disk(record.production))


def _folder_text(root: str | Path, record: Record) -> str:
    return f"{root}/{on_disk(record.event)}/{on_disk(record.production)}"  # many: Path is ten times as slow


def open_stored(root: Path, record: Record) -> tuple[int, Path]:
    """Open the file of a record: the one named by its uuid, or, as upstream asimov named it, by its own name.

    Raises
    ------
    FileNotFoundError, OSError
        There is neither; it is no regular file; it or a folder above it is a symbolic link.
    """
    with Folder.open(root) as folder, folder.folder(record.event) as event, event.folder(record.production) as below:
        return open_in(below, record)


def open_in(folder: Folder, record: Record) -> tuple[int, Path]:
    """Open the file of a record in its production's folder; as `open_stored`."""
    for name in (record.uuid, record.file):
        with contextlib.suppress(FileNotFoundError):
            return folder.open_file(name), folder.at(name)
    msg = "it is recorded, but not on the disk; restore it from a copy"
    raise FileNotFoundError(errno.ENOENT, msg, str(folder.at(record.uuid)))


def mismatch(record: Record, found: Digest) -> str | None:
    """Say in words how what was digested differs from what was recorded; None if it doesn't."""
    if found.md5 != record.hash:
        return f"its MD5 is {found.md5}, and {record.hash} was recorded"
    if record.sha256 is not None and found.sha256 != record.sha256:
        return f"its MD5 is as recorded, but its SHA-256 is {found.sha256}, not {record.sha256}: it was forged"
    if record.size is not None and found.size != record.size:
        return f"its size is {found.size} bytes, and {record.size} was recorded"
    return None


def require_match(record: Record, found: Digest, path: Path) -> None:
    """Raise the HashError that fits if what was digested is not what was recorded."""
    wrong = mismatch(record, found)
    if wrong is None:
        return
    forged = found.md5 == record.hash and record.sha256 is not None
    expected, actual = (record.sha256 or "", found.sha256 or "") if forged else (record.hash, found.md5)
    msg = f"{path}, which holds {record.file!a}: {wrong}. "
    msg += "The file was changed after it was stored; don't use it, restore it from a copy."
    raise HashError(msg, path=path, expected=expected, actual=actual)


def _check(folder: Folder, record: Record, meter: Meter | None) -> Check:
    try:
        descriptor, path = open_in(folder, record)
    except FileNotFoundError:
        return _failed(record, folder.path, Status.MISSING, "there is no such file")
    except OSError as error:
        return _failed(record, folder.path, Status.UNREADABLE, error.strerror or str(error))
    try:
        found = digests.digest(descriptor, sha256=record.sha256 is not None, meter=meter)
    except OSError as error:
        return _failed(record, folder.path, Status.UNREADABLE, error.strerror or str(error))
    finally:
        os.close(descriptor)
    wrong = mismatch(record, found)
    return Check(
        event=record.event,
        production=record.production,
        file=record.file,
        uuid=record.uuid,
        hash=record.hash,
        status=Status.OK if wrong is None else Status.CORRUPT,
        actual=found.md5,
        path=path,
        size=found.size,
        reason=wrong,
    )


def _failed(record: Record, folder: Path, status: Status, reason: str) -> Check:
    return Check(
        event=record.event,
        production=record.production,
        file=record.file,
        uuid=record.uuid,
        hash=record.hash,
        status=status,
        actual=None,
        path=folder / record.uuid,
        size=None,
        reason=reason,
    )


# A batch of files: what a worker does, on another machine perhaps.


class _Cancelled(Exception):
    pass


class _Tally(Meter):
    """Counts for several threads; stops them when told to. To the caller's own thread it calls `tell` at once."""

    def __init__(self, tell: Callable[[], object]) -> None:
        super().__init__(None, 0)
        self._lock = threading.Lock()
        self.done, self.stopped = 0, False
        self.error: BaseException | None = None
        """What `tell` raised."""
        self._caller, self._tell_caller = threading.get_ident(), tell

    def advance(self, count: int) -> None:
        if self.stopped:
            raise _Cancelled
        with self._lock:
            self.done += count
        if threading.get_ident() == self._caller:  # no thread could be had
            try:
                self._tell_caller()
            except BaseException as error:  # an OSError must not be taken for one of the file
                self.error, self.stopped = error, True
                raise _Cancelled from error


def check_batch(root: str, home: str, records: Sequence[Record], _run: str, tally: _Tally | None = None) -> list[Check]:
    """Check the files of `records`, sorted by key, below `root`, which must hold the folder `home`.

    No two verifications have the same `_run`: dask doesn't do again what it holds the result of.
    """
    try:
        top = Folder.open(Path(root))
    except OSError as error:
        return [_unseen(root, record, error.strerror or str(error)) for record in records]
    with top:
        if top.status(home) is None:
            return [_unseen(root, record, "it isn't the Store that is seen there") for record in records]
        return list(_check_sorted(top, records, tally))


def _unseen(root: str, record: Record, why: str) -> Check:
    folder = folder_of(root, record)
    return _failed(record, folder, Status.UNREADABLE, f"the worker cannot see the Store at {root}: {why}")


def _check_sorted(top: Folder, records: Sequence[Record], tally: _Tally | None) -> Iterator[Check]:
    current: tuple[str, str] | None = None
    with contextlib.ExitStack() as stack:
        folder = top
        for record in records:
            if (record.event, record.production) != current:
                stack.close()
                current, problem = (record.event, record.production), None
                try:
                    folder = stack.enter_context(top.folder(record.event))
                    folder = stack.enter_context(folder.folder(record.production))
                except OSError as error:
                    problem = error
            yield _check(folder, record, tally) if problem is None else _without_folder(top, record, problem)


def _without_folder(top: Folder, record: Record, error: OSError) -> Check:
    folder = folder_of(top.path, record)
    if isinstance(error, FileNotFoundError):
        return _failed(record, folder, Status.MISSING, "its folder is missing")
    return _failed(record, folder, Status.UNREADABLE, f"{error.filename}: {error.strerror}")


# All of them.


class _Batch(NamedTuple):
    records: list[Record]
    size: int


def verify(
    root: Path,
    home: str,
    records: Iterable[tuple[Record, int]],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
    on_check: OnCheck | None = None,
    budget: timedelta | int | None = None,
) -> list[Check]:
    """Check the files of `records`, which come with their sizes in bytes, in that order.

    Parameters
    ----------
    budget : datetime.timedelta or int, optional
        How long, or how many bytes: what hasn't been begun by then is left. At least one file is checked.

    Returns
    -------
    list of Check
        Sorted by key.
    """
    if isinstance(budget, int):
        records = _within_bytes(records, budget)
    if progress is not None:
        records = list(records)
    total = sum(size for _, size in records) if progress is not None else 0
    run = _Run(root, home, total, progress, on_check)
    if budget is not None and not isinstance(budget, int):
        run.deadline = time.monotonic() + budget.total_seconds()
    if executor is not None:
        return run.on(executor, _batches(records, _BATCH_BYTES))
    threads = Threads(reading_threads(), "asimov-storage verify")
    try:
        return run.on(threads, _batches(records, _LOCAL_BYTES))
    finally:
        threads.shutdown()


def _within_bytes(records: Iterable[tuple[Record, int]], budget: int) -> list[tuple[Record, int]]:
    taken: list[tuple[Record, int]] = []
    for record, size in records:
        budget -= size
        if budget < 0 and taken:
            break
        taken.append((record, size))
    return taken


def _batches(records: Iterable[tuple[Record, int]], limit: int) -> Iterator[_Batch]:
    """Group the files so that no task is tiny, and none so large that the others wait for it at the end."""
    batch: list[Record] = []
    total = 0
    for record, size in records:
        if batch and (len(batch) >= _BATCH_FILES or total + size > limit):
            yield _Batch(sorted(batch, key=_key), total)
            batch, total = [], 0
        batch.append(record)
        total += size
    if batch:
        yield _Batch(sorted(batch, key=_key), total)


def _key(record: Record) -> Key:
    return record.key


class _Run:
    """One verification, as seen from the caller's thread."""

    def __init__(self, root: Path, home: str, total: int, progress: Progress | None, on_check: OnCheck | None) -> None:
        self.root, self.home, self.on_check = str(root), home, on_check
        self.run = os.urandom(8).hex()
        self.meter, self.tally = Meter(progress, total), _Tally(self.count)
        self.counted = 0
        self.results: list[Check] = []
        self.deadline = float("inf")
        self.has_begun = False
        """Whether the executor has taken work."""

    def on(self, executor: Executor | Threads, batches: Iterator[_Batch]) -> list[Check]:
        from concurrent.futures import ThreadPoolExecutor

        shared = self.tally if isinstance(executor, (ThreadPoolExecutor, Threads)) else None
        pending: dict[Future[list[Check]], _Batch] = {}
        try:
            for batch in batches:
                while len(pending) >= (_WINDOW if shared is not None else _FAR_WINDOW):
                    self.collect(pending, shared)
                if time.monotonic() >= self.deadline and self.results:
                    break
                future = self.submit(executor, batch, shared)
                pending[future], self.has_begun = batch, True
                if future.done():  # in this thread, for want of another
                    self.collect(pending, shared)
            while pending:
                self.collect(pending, shared)
                if time.monotonic() >= self.deadline and self.results:
                    self.give_back(pending)
            self.meter.finish()
        except BaseException:
            self.tally.stopped = True
            for future in pending:
                future.cancel()
            raise
        return sorted(self.results, key=lambda check: check.key)

    def give_back(self, pending: dict[Future[list[Check]], _Batch]) -> None:
        """Leave what hasn't been begun."""
        for future in list(pending):
            if future.cancel():
                del pending[future]

    def submit(self, executor: Executor | Threads, batch: _Batch, shared: _Tally | None) -> Future[list[Check]]:
        arguments = (self.root, self.home, batch.records, self.run)
        try:
            if shared is not None:
                return executor.submit(check_batch, *arguments, shared)
            return executor.submit(check_batch, *arguments)
        except Exception as error:  # a broken executor, of whatever kind, has no verdict on these files
            if not self.has_begun:
                raise _takes_no_work(executor, error) from error
            from concurrent.futures import Future

            failed: Future[list[Check]] = Future()
            failed.set_exception(error)
            return failed

    def collect(self, pending: dict[Future[list[Check]], _Batch], shared: _Tally | None) -> None:
        """Wait a moment for results; tell the progress."""
        from concurrent.futures import FIRST_COMPLETED, wait

        done, _ = wait(pending, timeout=_POLL, return_when=FIRST_COMPLETED)
        if self.tally.error is not None:
            raise self.tally.error
        for future in done:
            batch = pending.pop(future)
            checks = self.outcome(future, batch)
            self.results += checks
            for check in checks if self.on_check is not None else ():
                self.on_check(check)  # type: ignore[misc]
            if shared is None:
                self.meter.advance(batch.size)
        if shared is not None:
            self.count()

    def count(self) -> None:
        """Tell what the threads have counted."""
        now = self.tally.done
        self.meter.advance(now - self.counted)
        self.counted = now

    def outcome(self, future: Future[list[Check]], batch: _Batch) -> list[Check]:
        try:
            return future.result()
        except Exception as error:  # noqa: BLE001 - a worker that died has no verdict on these files
            reason = f"its worker gave no answer: {type(error).__name__}: {error}"
            return [_failed(r, folder_of(self.root, r), Status.UNREADABLE, reason) for r in batch.records]


def _takes_no_work(executor: object, why: Exception) -> ValueError:
    advice = "Give one that is open, or None: threads, one per usable core."
    return ValueError(f"executor={shown(executor)}: it takes no work ({' '.join(str(why).split())}). {advice}")


# What nobody recorded.


def untracked(root: Path, contents: Contents, groups: Iterable[tuple[str, str]]) -> list[Path]:
    """List what lies in the folders of `groups`, (event, production) pairs, and is no record's file."""
    found: list[Path] = []
    with Folder.open(root) as top:
        for event, production in groups:
            with contextlib.suppress(OSError), top.folder(event) as above, above.folder(production) as folder:
                found += [folder.at(name) for name in sorted(_strangers(folder, contents, event, production))]
    return found


def _strangers(folder: Folder, contents: Contents, event: str, production: str) -> set[str]:
    names = set(folder.names())
    for index in contents.span(event, production):
        if contents.uuids[index] in names:
            names.discard(contents.uuids[index])
        else:
            names.discard(contents.keys[index][2])
    return {name for name in names if name not in _IGNORED and not name.startswith(temporary.KEPT_WHILE_OPEN)}


def sizes(root: Path, records: Iterable[Record]) -> Iterator[int]:
    """Give the size in bytes of each record's file; 0 where there is none."""
    for record in records:
        folder = _folder_text(root, record)
        size = 0
        for name in (record.uuid, on_disk(record.file)):
            try:
                size = os.lstat(f"{folder}/{name}").st_size
            except OSError:
                continue
            break
        yield size


def stat_files(root: Path, records: Iterable[Record]) -> Iterator[tuple[Path, int | None, int | None]]:
    """Give path, size in bytes and modification time in ns of each record's file; None where there is none."""
    for record in records:
        folder = _folder_text(root, record)
        for name in (record.uuid, on_disk(record.file)):
            path = f"{folder}/{name}"
            with contextlib.suppress(OSError):
                found = os.lstat(path)
                yield Path(path), found.st_size, found.st_mtime_ns
                break
        else:
            yield Path(folder, record.uuid), None, None
