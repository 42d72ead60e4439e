"""Naming: the path of each exported file, by a layout. What can't be written is refused before anything is."""

from __future__ import annotations

import string
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from asimov.storage._display.text import shown
from asimov.storage._model.names import MAX_BYTES
from asimov.storage._model.record import Record

FIELDS = ("event", "production", "file", "uuid", "hash", "suffix")
_ADVICE = "Give a layout such as '{event}/{production}/{file}'. Nothing was written."


def paths_of(records: Sequence[Record], layout: object, reserved: Collection[str] = ()) -> list[str]:
    """Return the path of each record's file, all different; `reserved` are names of files that the export writes.

    Raises
    ------
    TypeError
        The layout is no text.
    ValueError
        The layout is no template, or it makes a path that can't be written, or that two files would have.
    """
    template = _template(layout)
    paths = [_path(template, record) for record in records]
    _require_distinct(records, paths, template)
    _require_free(records, paths, template, reserved)
    return paths


def _template(layout: object) -> str:
    if not isinstance(layout, str):
        msg = f"layout={shown(layout)}: it takes a str, such as '{{event}}/{{production}}/{{file}}'."
        raise TypeError(msg)
    try:
        fields = [(name, spec) for _, name, spec, _ in string.Formatter().parse(layout) if name is not None]
    except ValueError as error:
        raise _refused(layout, f"it is no template ({error})") from None
    for name, spec in fields:
        if name not in FIELDS or "{" in (spec or ""):
            found = name if name not in FIELDS else spec
            raise _refused(layout, f"{shown(found)} is none of its fields, which are {', '.join(FIELDS)}")
    return layout


def _path(layout: str, record: Record) -> str:
    values = {name: getattr(record, name) for name in FIELDS if name != "suffix"}
    try:
        path = layout.format(**values, suffix=PurePosixPath(record.file).suffix)
    except ValueError as error:
        raise _refused(layout, f"it is no template ({error})") from None
    wrong = _problem(path)
    if wrong is not None:
        raise _refused(layout, f"{_names(record)} would be written to {path!a}, and {wrong}")
    return path


def _problem(path: str) -> str | None:
    """Return what is wrong with a path; None if it is the path of a file below the exported folder."""
    if not path:
        return "that is no name"
    if "\0" in path or "\r" in path:
        return "no name may hold a NUL or a carriage return"
    for part in path.split("/"):
        if not part:
            return "an empty name stands before, between or after its slashes"
        if part in {".", ".."}:
            return f"{part!r} may not be a part of a path"
        size = len(part.encode(errors="surrogatepass"))
        if size > MAX_BYTES:
            return f"a part of it is {size} bytes long in UTF-8, and {MAX_BYTES} is the limit"
    return None if path.isascii() or not _has_surrogate(path) else "it holds a lone surrogate, which is no character"


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _require_distinct(records: Sequence[Record], paths: Sequence[str], layout: str) -> None:
    """Raise ValueError if two files have the same path, or if one is where another needs a folder."""
    taken: dict[str, Record] = {}
    for record, path in zip(records, paths, strict=True):
        other = taken.setdefault(path, record)
        if other is not record:
            advice = "Add {event}, {production} or {uuid} to it"
            raise _refused(layout, f"{_names(other)} and {_names(record)} would both be written to {path!a}. {advice}")
    for path in paths:
        for above in PurePosixPath(path).parents:
            if str(above) in taken:
                raise _refused(
                    layout, f"{_names(taken[str(above)])} would be written to {str(above)!a}, the folder of {path!a}"
                )


def _require_free(records: Sequence[Record], paths: Sequence[str], layout: str, reserved: Collection[str]) -> None:
    """Raise ValueError if a file would have the name of one that the export writes itself."""
    for record, path in zip(records, paths, strict=True):
        if path.partition("/")[0] in reserved:
            where = f"{_names(record)} would be written to {path!a}"
            raise _refused(layout, f"{where}, and the export writes a file of its own there")


def _names(record: Record) -> str:
    return " / ".join(map(ascii, record.key))


def _refused(layout: str, problem: str) -> ValueError:
    return ValueError(f"layout={shown(layout)}: {problem}. {_ADVICE}")
