"""Reading: the records of a published Store, from its manifest and the entries after it."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import NamedTuple, cast

from asimov.storage._backends.objects import Part
from asimov.storage._format import canonical_reader, entries, reader
from asimov.storage._format.entries import Entry
from asimov.storage._format.growth import grown
from asimov.storage._format.layout import HOME, MANIFEST
from asimov.storage._model.errors import ManifestError, ManifestPublishedError, NotAStoreError
from asimov.storage._model.snapshot import Contents

from .cache import Cache
from .layouts import Flat, Folder, Layout, Zip
from .web import Web

_PAGE = (b"<!doctype html", b"<html")
"""How the page begins with which some servers answer for whatever they don't have."""


class _Known(NamedTuple):
    """What was read.

    Attributes
    ----------
    tag : str
        The tag of the manifest.
    base : Contents
        What the manifest says.
    folded : int
        The number of the last entry that it includes.
    entries : tuple of (Entry or None)
        The entries after that one; None for one that isn't whole.
    contents : Contents
        All of it.
    """

    tag: str
    base: Contents
    folded: int
    entries: tuple[Entry | None, ...]
    contents: Contents


class Reader:
    """Reads what the server has, and keeps what has not changed."""

    def __init__(self, web: Web, cache: Cache) -> None:
        self._web, self._cache = web, cache
        self._layout: Layout | None = None
        self._known: _Known | None = None
        self._lock = threading.RLock()

    def renew_lock(self) -> None:
        """Forget a lock that another thread may have held at a fork."""
        self._lock = threading.RLock()

    @property
    def layout(self) -> Layout:
        """How the Store is published."""
        if self._layout is None:
            self.contents()
        return cast("Layout", self._layout)

    @property
    def seen(self) -> Contents | None:
        """What was read last."""
        return None if self._known is None else self._known.contents

    def contents(self) -> Contents:
        """Read the current state.

        Raises
        ------
        NotAStoreError
            There is no Store at the URL.
        ManifestError
            Its manifest can't be read.
        OSError
            The server doesn't answer.
        """
        with self._lock:
            layout, manifest = self._manifest()
            known = self._known if manifest is None else self._of_manifest(layout, manifest)
            self._known = _with_entries(layout, cast("_Known", known))
            return self._known.contents

    def _manifest(self) -> tuple[Layout, Part | None]:
        """Return the layout, and the manifest if it has changed."""
        if self._layout is not None:
            tag = "" if self._known is None else self._known.tag
            try:
                return self._layout, self._layout.manifest(tag)
            except FileNotFoundError as error:
                msg = f"The Store at {self._web.base} has vanished: its manifest is not there any more."
                raise NotAStoreError(msg) from error
        for layout in self._layouts():
            try:
                found = layout.manifest("")
            except FileNotFoundError:
                continue
            if found is not None and not found.content[:20].lstrip().lower().startswith(_PAGE):
                self._layout = layout
                return layout, found
        msg = f"There is no Store at {self._web.base}: the server has neither {HOME}/{MANIFEST} nor {MANIFEST} there."
        raise NotAStoreError(msg)

    def _layouts(self) -> tuple[Layout, ...]:
        files = Folder(self._web), Flat(self._web)
        return (Zip(self._web, self._cache), *files) if self._web.base.lower().endswith(".zip") else files

    @staticmethod
    def _of_manifest(layout: Layout, manifest: Part) -> _Known:
        _, folded = canonical_reader.split_folded(manifest.content)
        try:
            contents = reader.parse(manifest.content, cast("Path", layout.place))  # it is only shown
        except ManifestError as error:
            raise ManifestPublishedError(error.problem, error.path, error.line) from error
        return _Known(manifest.tag, contents, folded or 0, (), contents)


def _with_entries(layout: Layout, known: _Known) -> _Known:
    """Return what is known together with the entries that the server has now. Their numbers have no gaps."""
    more = list(known.entries)
    for number in itertools.count(known.folded + len(more) + 1):
        text = layout.entry(number)
        if text is None:
            break
        more.append(entries.read(text))
    if len(more) == len(known.entries):
        return known
    _warn_of_unknown(layout, more)
    return known._replace(entries=tuple(more), contents=grown(known.base, more, trusted=False))


def _warn_of_unknown(layout: Layout, found: list[Entry | None]) -> None:
    import logging

    unknown = next((entry.unknown for entry in found if entry is not None and entry.unknown), "")
    if unknown:
        text = "%s: commits after it hold %s, which only a later version of asimov-storage knows; the rest is read"
        logging.getLogger(__package__).warning(text, layout.place, unknown)
