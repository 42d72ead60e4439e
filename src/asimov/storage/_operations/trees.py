"""Trees: the files of a folder as files to add, by a pattern that says which parts of their paths are which names."""

from __future__ import annotations

import os
import re
import stat
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from asimov.storage._backends.base import Backend, Source
from asimov.storage._bytes import digests
from asimov.storage._bytes.progress import Progress
from asimov.storage._disk.files import open_source
from asimov.storage._disk.folder import Reporting
from asimov.storage._display.text import shown
from asimov.storage._format.layout import HOME
from asimov.storage._model.matching import mismatch
from asimov.storage._model.names import Key, meant, problem
from asimov.storage._model.record import Duplicate, Record
from asimov.storage._model.snapshot import Contents

from . import adding
from .duplicates import require_duplicate
from .meta import checked

FIELDS = ("event", "production", "file")
ADD, THERE, SKIP = "add", "is there already", "skip"
_FIELDS = "'{event}', '{production}' and '{file}', each once"

Match: TypeAlias = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """Something in a folder, and what is to be done with it.

    Attributes
    ----------
    path : Path
        Where it is.
    key : (event, production, file) or None
        The names that it would have; None if the pattern doesn't fit.
    size : int or None
        Its bytes; None if it is no file.
    action : {"add", "is there already", "skip"}
        What is to be done.
    reason : str or None
        Why it is not to be added, in words.
    """

    path: Path
    key: Key | None = None
    size: int | None = None
    action: str = ADD
    reason: str | None = None

    def row(self) -> tuple[str | None, str | None, str | None, str, int | None, str, str | None]:
        """Return the values of the columns of `Store.add_tree`."""
        return *(self.key or (None, None, None)), str(self.path), self.size, self.action, self.reason


def add_tree(
    backend: Backend,
    folder: Path,
    pattern: object,
    *,
    dry_run: bool,
    duplicate: Duplicate,
    meta: object,
    progress: Progress | bool | None,
) -> list[Candidate]:
    """Add the files of a folder and of its folders that can be added, all of those or none; return all of them."""
    require_duplicate(duplicate)
    notes, match = checked(meta), matcher(pattern)
    contents = backend.contents()
    found = [_beside_records(one, contents) for one in candidates(folder, match)]
    if not dry_run:
        adding.add(backend, _sources(found, notes), duplicate=duplicate, progress=progress)
    return found


def _sources(found: Sequence[Candidate], notes: Mapping[str, Any] | None) -> list[Source]:
    return [Source(one.key, one.path, None, meta=notes) for one in found if one.action == ADD and one.key is not None]


# The pattern.


def matcher(pattern: object) -> Match:
    """Return a function that matches the path of a file, relative to the folder, with the pattern.

    Raises
    ------
    TypeError, ValueError
        The pattern is no text, or doesn't have each of the three fields once.
    """
    if not isinstance(pattern, str):
        msg = f"pattern={shown(pattern)}: it takes a str with {_FIELDS}."
        raise TypeError(msg)
    try:
        parts = list(string.Formatter().parse(pattern.removeprefix("./")))
    except ValueError as error:
        msg = f"pattern={pattern!a}: {error}. It takes a text with {_FIELDS}."
        raise ValueError(msg) from None
    if sorted(name for _, name, *_ in parts if name is not None) != sorted(FIELDS) or any(
        spec or conversion for _, _, spec, conversion in parts
    ):
        msg = f"pattern={pattern!a}: it takes a text with {_FIELDS}."
        raise ValueError(msg)
    pieces = (re.escape(text) + (f"(?P<{name}>[^/]+?)" if name else "") for text, name, *_ in parts)
    return re.compile("".join(pieces), re.DOTALL).fullmatch


# The folder.


def candidates(folder: Path, match: Match) -> Iterator[Candidate]:
    """Yield what is in a folder and in its folders, sorted by path.

    Raises
    ------
    OSError
        A folder can't be read; the error names it.
    """
    return _walk(folder, "", match, deep=True)


def files_in(folder: Path) -> Iterator[Candidate]:
    """Yield what is in a folder, but not in its folders. The key of a file holds its name only."""
    return _walk(folder, "", re.compile("(?P<event>)(?P<production>)(?P<file>.+)", re.DOTALL).fullmatch, deep=False)


def _walk(folder: Path, above: str, match: Match, *, deep: bool) -> Iterator[Candidate]:
    with Reporting(folder), os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    if any(entry.name == HOME and entry.is_dir() for entry in found):
        yield Candidate(path=folder, action=SKIP, reason="it is a Store: add its files by to_frame(stat=True)")
        return
    for entry in found:
        path, relative = folder / entry.name, f"{above}{entry.name}"
        with Reporting(path):
            status = entry.stat(follow_symlinks=False)
        if deep and stat.S_ISDIR(status.st_mode) and not entry.name.startswith("."):
            yield from _walk(path, f"{relative}/", match, deep=True)
        else:
            yield _candidate(path, relative, status, match)


def _candidate(path: Path, relative: str, status: os.stat_result, match: Match) -> Candidate:
    kind = _no_file(path.name, status.st_mode)
    if kind is not None:
        return Candidate(path=path, action=SKIP, reason=kind)
    found = match(relative)
    if found is None:
        return Candidate(path=path, size=status.st_size, action=SKIP, reason="its path doesn't fit the pattern")
    event, production, file = (meant(found[name]) for name in FIELDS)
    key = event, production, file
    wrong = _invalid(key)
    return Candidate(path=path, key=key, size=status.st_size, action=SKIP if wrong else ADD, reason=wrong)


def _no_file(name: str, mode: int) -> str | None:
    if name.startswith("."):
        return "it is hidden: its name begins with a dot"
    if stat.S_ISLNK(mode):
        return "it is a symbolic link"
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return None if stat.S_ISREG(mode) else "it is no regular file"


def _invalid(key: Key) -> str | None:
    """Return what is wrong with one of the names; None if they are valid, or if there is no event to look at."""
    for kind, name in zip(FIELDS, key, strict=True):
        wrong = problem(kind, name) if name else None
        if wrong is not None:
            return f"{name!a} can't be the name of {'an' if kind == 'event' else 'a'} {kind}: {wrong}"
    return None


# The records.


def _beside_records(one: Candidate, contents: Contents) -> Candidate:
    """Return the candidate with what follows from a record of its name. Only then is the file read."""
    record = None if one.action == SKIP or one.key is None else contents.get(one.key)
    if record is None:
        return one
    wrong = mismatch(record, _digest(one.path, record))
    if wrong is None:
        return replace(one, action=THERE, reason="this name has these bytes")
    return replace(one, action=SKIP, reason=f"other bytes are recorded under this name: {wrong}")


def _digest(path: Path, record: Record) -> digests.Digest:
    descriptor = open_source(path)
    try:
        return digests.digest(descriptor, sha256=record.sha256 is not None, reading=Reporting(path))
    finally:
        os.close(descriptor)
