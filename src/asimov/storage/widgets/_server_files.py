"""Files of the server's own disk below a folder that the notebook's author gave, and their way into a Store.

Nothing above that folder can be reached, not by ``..``, not by an absolute path, not by a symbolic link that somebody
puts there while it is being opened: each part of a path is opened below the one before, and links are not followed.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage._model.names import meant, spelled
from asimov.storage._operations.adding import add
from asimov.storage._operations.sources import source

from ._jobs import Jobs, job_of
from ._messages import Message, RefusedError, request
from ._progress import Cancelled, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asimov.storage._model.record import Record
    from asimov.storage._store import Store

    Tell = Callable[..., None]
    Stored = Callable[[Record], object]

MOST = 50
_SEEN = 100_000
_NOT_FOLLOWED = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}


class ServerFolder:
    """A folder, and what is below it.

    Parameters
    ----------
    root : str or os.PathLike
        The folder; may be reached through links itself.

    Raises
    ------
    NotADirectoryError, FileNotFoundError
        It is no folder.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).expanduser().resolve(strict=True)
        if not self.root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(root))

    def complete(self, typed: str) -> tuple[list[str], int]:
        """Return up to 50 paths that go on from what is typed, and how many there are.

        Folders end in ``/``; links are left out, and hidden files unless what is typed begins with a dot.
        """
        above, _, begun = self._relative(typed).rpartition("/")
        with self._folder(self._parts(above)) as folder, os.scandir(folder) as entries:
            seen = islice((e for e in entries if e.name.startswith(begun)), _SEEN)
            shown = [e for e in seen if not e.is_symlink() and (begun.startswith(".") or not e.name.startswith("."))]
            names = sorted(meant(e.name) + ("/" if e.is_dir(follow_symlinks=False) else "") for e in shown)
        return [f"{above}/{name}" if above else name for name in names[:MOST]], len(names)

    def open(self, path: str) -> int:
        """Open a file for reading, and return its descriptor.

        Raises
        ------
        RefusedError
            It is not below the folder, it or a folder on the way is a link, or it is no regular file.
        FileNotFoundError, PermissionError, OSError
            As the operating system has it.
        """
        *above, name = self._parts(self._relative(path)) or [""]
        with self._folder(above) as folder:
            # Without O_NONBLOCK a pipe would be waited for.
            descriptor = self._open(name or ".", os.O_RDONLY | os.O_NONBLOCK, folder, path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            msg = f"{path} is no regular file. Choose a file."
            raise RefusedError(msg)
        return descriptor

    def _relative(self, path: str) -> str:
        """Accept an absolute path too, if it is below."""
        if "\0" in path:
            msg = "A path can't hold a NUL character."
            raise RefusedError(msg)
        if not path.startswith("/"):
            return path
        root = str(self.root).rstrip("/")
        if path == root or path.startswith(f"{root}/"):
            return path[len(root) :].lstrip("/")
        raise self._beyond(path)

    def _parts(self, path: str) -> list[str]:
        parts = [part for part in path.split("/") if part not in {"", "."}]
        if ".." in parts:
            raise self._beyond(path)
        return parts

    def _beyond(self, path: str) -> RefusedError:
        return RefusedError(f"{path} is not below {self.root}. Give a path below that folder.")

    @contextmanager
    def _folder(self, parts: list[str]) -> Iterator[int]:
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for place, part in enumerate(parts):
                path = "/".join(parts[: place + 1])
                below = self._open(part, os.O_RDONLY | os.O_DIRECTORY, descriptor, path)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, name: str, flags: int, folder: int, path: str) -> int:
        try:
            return os.open(spelled(name), flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as exc:
            if exc.errno in _NOT_FOLLOWED and stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode):
                msg = f"{path} is a symbolic link, and links are not followed here. Give the path of the file itself."
                raise RefusedError(msg) from exc
            raise OSError(exc.errno, os.strerror(exc.errno or 0), path) from exc


class ServerFiles:
    """Serves the *From the server* box of a widget.

    Parameters
    ----------
    store : Store
        Where the files go.
    root : str or os.PathLike
        The folder below which they lie.
    stored : callable
        ``stored(record)``, for each file that is stored. From any thread.
    tell : callable
        ``tell(view, event, **content)`` says something to a page unasked.
    """

    def __init__(self, store: Store, root: str | os.PathLike[str], stored: Stored, tell: Tell) -> None:
        self.folder = ServerFolder(root)
        self._store, self._stored, self._tell = store, stored, tell
        self._jobs = Jobs()

    def close(self) -> None:
        """End what is under way."""
        self._jobs.close()

    @request("server/complete", background=True)
    def _complete(self, message: Message) -> dict[str, object]:
        names, total = self.folder.complete(message.text("typed", ""))
        return {"names": names, "total": total}

    @request("server/size", background=True)
    def _size(self, message: Message) -> dict[str, object]:
        """Say how large a file is, or why it can't be had."""
        path = message.text("path")
        descriptor = self.folder.open(path)
        try:
            return {"name": Path(path).name, "size": os.fstat(descriptor).st_size}
        finally:
            os.close(descriptor)

    @request("server/add", background=True)
    def _add(self, message: Message) -> dict[str, str]:
        job = job_of(message)
        progress = Progress(lambda: self._tell(*_at(job), done=progress.done, total=progress.total))
        try:
            with self._jobs.under_way(job, progress):
                record = self._copy(message, progress)
        except Cancelled:
            return {"cancelled": "by its page"}
        self._stored(record)
        return {"hash": record.hash, "uuid": record.uuid}

    @request("server/cancel")
    def _cancel(self, message: Message) -> None:
        self._jobs.cancel((message.view, message.integer("job")))

    def _copy(self, message: Message, progress: Progress) -> Record:
        event, production, name = (message.text(part) for part in ("event", "production", "name"))
        expected = message.text("expected", "", limit=1000).strip() or None
        path = message.text("path")
        os.close(self.folder.open(path))  # or refused, before anything is looked at
        add(
            self._store.backend,
            [source(event, production, self.folder.root / path, name, expected)],
            progress=progress,
            opened=lambda _: self.folder.open(path),
        )
        return self._store[event, production, name]


def _at(job: tuple[str, int]) -> tuple[str, str]:
    return job[0], f"server/progress/{job[1]}"
