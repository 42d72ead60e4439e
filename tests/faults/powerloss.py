"""What a power cut may leave: a model of a disk that keeps only what was asked to be kept, replayed from strace's log.

POSIX promises no more than this: the bytes of a file survive once ``fsync`` on it returned, a name in a folder once
``fsync`` on the folder returned. Of all else any part may survive. `Disk.images` gives what the disk may hold if the
power fails now: nothing of what was not asked for, all of it, each change alone, each change missing, some at random;
unsynced bytes as they were before, as they are, as zeros, or half of them.
"""

from __future__ import annotations

import itertools
import random
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .tracing import Call

_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FOLDERS = re.compile(r"AT_FDCWD|\d+")
OPTIONS = ("-xx", "-s", "10000000")
"""What strace needs to be told so that its log can be replayed."""

Image = dict[str, bytes | None]
"""A tree: bytes of files, None for folders, by path."""


@dataclass(eq=False)
class File:
    """A file: its bytes, and those that would survive."""

    now: bytes = b""
    kept: bytes = b""

    @property
    def sound(self) -> bool:
        """Whether all that was written survives."""
        return self.now == self.kept


@dataclass(eq=False)
class Folder:
    """A folder: its names, those that would survive, and the changes between the two, each with its number."""

    now: dict[str, File | Folder] = field(default_factory=dict)
    kept: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[tuple[int, str, File | Folder | None]] = field(default_factory=list)


class Disk:
    """The folder `root` of a disk, that holds by now what lies there, and that safely."""

    def __init__(self, root: Path) -> None:
        self.root, self.changes = root, itertools.count(1)
        self.top = self._load(root, {})
        self.files: list[File] = []

    def _load(self, path: Path, known: dict[int, File]) -> Folder:
        folder = Folder()
        for child in path.iterdir():
            if child.is_dir():
                folder.now[child.name] = self._load(child, known)
            else:
                content = child.read_bytes()
                folder.now[child.name] = known.setdefault(child.stat().st_ino, File(content, content))
        folder.kept = dict(folder.now)
        return folder

    # Changes.

    def set(self, folder: Folder, name: str, what: File | Folder | None, change: int) -> None:
        """Give `name` in `folder` to `what`, or to nothing."""
        if what is None:
            folder.now.pop(name, None)
        else:
            folder.now[name] = what
        folder.pending.append((change, name, what))

    def sync(self, what: File | Folder) -> None:
        """Keep what a file or a folder holds now."""
        if isinstance(what, File):
            what.kept = what.now
        else:
            what.kept, what.pending = dict(what.now), []

    # What may be left.

    def images(self, seed: int, some: int = 6) -> Iterator[Image]:
        """Give the trees that a power cut at this moment may leave, each once."""
        chance, seen = random.Random(seed), set()

        def any_of(file: File) -> bytes:
            return chance.choice([_kept, _now, _zeros, _half])(file)

        for survivors in self._survivors(chance, some):
            for bytes_of in (_kept, _now, _zeros, any_of):
                image: Image = {}
                self._draw(self.top, "", survivors, bytes_of, image)
                mark = frozenset(image.items())
                if mark not in seen:
                    seen.add(mark)
                    yield image

    def _survivors(self, chance: random.Random, some: int) -> Iterator[frozenset[int]]:
        changes = sorted(self._pending(self.top, set(), set()))
        everything = frozenset(changes)
        yield frozenset()
        yield everything
        for change in changes:
            yield frozenset({change})
            yield everything - {change}
        for _ in range(some if len(changes) > 2 else 0):
            yield frozenset(change for change in changes if chance.random() < 0.5)

    def _pending(self, folder: Folder, found: set[int], visited: set[int]) -> set[int]:
        if id(folder) not in visited:
            visited.add(id(folder))
            found.update(change for change, _, _ in folder.pending)
            below = [*folder.now.values(), *folder.kept.values(), *(what for _, _, what in folder.pending)]
            for child in below:
                if isinstance(child, Folder):
                    self._pending(child, found, visited)
        return found

    def _draw(self, folder: Folder, place: str, survivors: frozenset[int], bytes_of, image: Image) -> None:
        names = dict(folder.kept)
        for change, name, what in folder.pending:
            if change in survivors:
                names.pop(name, None)
                if what is not None:
                    names[name] = what
        for name, what in names.items():
            path = f"{place}/{name}" if place else name
            if isinstance(what, Folder):
                image[path] = None
                self._draw(what, path, survivors, bytes_of, image)
            else:
                image[path] = what.kept if what.sound else bytes_of(what)


def _kept(file: File) -> bytes:
    return file.kept


def _now(file: File) -> bytes:
    return file.now


def _zeros(file: File) -> bytes:
    return bytes(len(file.now))


def _half(file: File) -> bytes:
    return file.now[: len(file.now) // 2]


def restore(image: Image, folder: Path) -> None:
    """Put a tree on a real disk."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in sorted(image):
        content = image[path]
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)


class Replay:
    """Does to a `Disk` what strace saw a program do to a real one."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.open: dict[int, tuple[File | Folder | None, list[int], bool]] = {}

    def do(self, call: Call) -> None:
        """Do one call, if it went well and is about this disk."""
        if call.result is None or call.result < 0:
            return
        strings = [bytes.fromhex(text.replace("\\x", "")) for text in _STRING.findall(call.arguments)]
        plain = [part.strip() for part in _STRING.sub("S", call.arguments).split(",")]
        getattr(self, f"_{call.name}", self._unknown)(call, plain, strings)

    def _unknown(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        raise AssertionError(f"the model of a disk does not know {call.name}({call.arguments[:200]})")

    def _find(self, folder: str, path: bytes) -> tuple[Folder | None, str]:
        """Find the folder that a path means, and the last name; no folder if it is not on this disk."""
        text = path.decode()
        if text.startswith("/"):
            if not Path(text).is_relative_to(self.disk.root) or Path(text) == self.disk.root:
                return (self.disk.top, ".") if Path(text) == self.disk.root else (None, text)
            place, names = self.disk.top, Path(text).relative_to(self.disk.root).parts
        else:
            place, names = (
                self.open.get(int(folder) if folder.isdigit() else -1, (None, [0], False))[0],
                Path(text).parts,
            )
        for name in names[:-1]:
            place = place.now.get(name) if isinstance(place, Folder) else None
        return (place if isinstance(place, Folder) else None), names[-1] if names else "."

    def _openat(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        folder, name = self._find(plain[0], strings[0])
        what = folder if name == "." else folder.now.get(name) if folder is not None else None
        if folder is not None and what is None and "O_CREAT" in call.arguments:
            what = File()
            self.disk.set(folder, name, what, next(self.disk.changes))
        if isinstance(what, File) and "O_TRUNC" in call.arguments:
            what.now = b""
        self.open[call.result] = (what, [0], "O_APPEND" in call.arguments)

    def _close(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        self.open.pop(int(plain[0]), None)

    def _dup(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        if int(plain[0]) in self.open:
            self.open[call.result] = self.open[int(plain[0])]

    def _fcntl(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        if plain[1].startswith("F_DUPFD"):
            self._dup(call, plain, strings)

    _dup2 = _dup3 = _dup

    def _file(self, plain: list[str]) -> tuple[File | None, list[int], bool]:
        what, position, append = self.open.get(int(plain[0]), (None, [0], False))
        return (what if isinstance(what, File) else None), position, append

    def _write(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        file, position, append = self._file(plain)
        if file is not None:
            at = len(file.now) if append else position[0]
            data = strings[0][: call.result]
            file.now = file.now[:at].ljust(at, b"\0") + data + file.now[at + len(data) :]
            position[0] = at + len(data)

    def _lseek(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        self._file(plain)[1][0] = call.result

    def _ftruncate(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        file, _, _ = self._file(plain)
        if file is not None:
            size = int(plain[1])
            file.now = file.now[:size].ljust(size, b"\0")

    def _fsync(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        what = self.open.get(int(plain[0]), (None, [0], False))[0]
        if what is not None:
            self.disk.sync(what)

    _fdatasync = _fsync

    def _mkdirat(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        folder, name = self._find(plain[0], strings[0])
        if folder is not None:
            self.disk.set(folder, name, Folder(), next(self.disk.changes))

    def _mkdir(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        self._mkdirat(call, ["AT_FDCWD"], strings)

    def _linkat(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        (source, old), (target, new) = self._find(plain[0], strings[0]), self._find(plain[2], strings[1])
        if target is not None:
            self.disk.set(target, new, source.now[old], next(self.disk.changes))

    def _renameat(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        (source, old), (target, new) = self._find(plain[0], strings[0]), self._find(plain[2], strings[1])
        if target is not None and source.now[old] is not target.now.get(new):
            change, what = next(self.disk.changes), source.now[old]
            self.disk.set(target, new, what, change)
            self.disk.set(source, old, None, change)

    _renameat2 = _renameat

    def _unlinkat(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        folder, name = self._find(plain[0], strings[0])
        if folder is not None:
            self.disk.set(folder, name, None, next(self.disk.changes))

    def _nothing(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        """Change nothing that the model knows of: permissions, owners, times."""

    _fchmod = _fchmodat = _chmod = _fchown = _fchownat = _utimensat = _nothing

    def _rmdir(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        self._unlinkat(call, ["AT_FDCWD"], strings)

    def _unlink(self, call: Call, plain: list[str], strings: list[bytes]) -> None:
        self._unlinkat(call, ["AT_FDCWD"], strings)


def is_sync(call: Call) -> bool:
    """Whether a call asks the disk to keep something."""
    return call.name in {"fsync", "fdatasync"}


def without(calls: Iterable[Call], number: int) -> list[Call]:
    """Leave out the call at that index."""
    return [call for index, call in enumerate(calls) if index != number]
