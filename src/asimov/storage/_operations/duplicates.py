"""Duplicates: the records that already have the bytes, or the name, of a file to add."""

from __future__ import annotations

from asimov.storage._backends.base import Item
from asimov.storage._bytes import digests
from asimov.storage._bytes.digests import Digest
from asimov.storage._model.errors import AlreadyPresentException, RecordExistsError
from asimov.storage._model.matching import has_bytes
from asimov.storage._model.names import Key
from asimov.storage._model.record import Duplicate, Record
from asimov.storage._model.snapshot import Contents

_DUPLICATE = ("raise", "link", "skip")
_LOOKED_UP_SINGLY = 32
_SAME = (
    "Nothing is left to do, if that file is sound: duplicate='skip' (in a shell, --duplicate skip) looks at it, and "
    "mends it if it isn't."
)
_OTHERS = (
    "Nothing was stored; duplicate='link' records them under the new name too (in a shell, --duplicate link does)."
)


def require_duplicate(duplicate: str) -> None:
    """Raise ValueError if `duplicate` is none of the three choices."""
    if duplicate not in _DUPLICATE:
        msg = f"duplicate={duplicate!a}: it takes 'raise', 'link' or 'skip'."
        raise ValueError(msg)


class Recorded:
    """The records that exist and those to be added, found by their names and by their digests.

    Parameters
    ----------
    contents : Contents
        The current state.
    many : int
        How many files will be looked up: a few by a search through the records, many by a dict.
    """

    def __init__(self, contents: Contents, many: int) -> None:
        self._contents = contents
        self.new: dict[Key, Record] = {}
        """The records to be added, by their names."""
        self._new_bytes: dict[tuple[str, str | None], Record] = {}
        self._known: dict[str, int] | None = None
        if many > _LOOKED_UP_SINGLY:
            self._known = dict(zip(reversed(contents.hashes), range(len(contents) - 1, -1, -1), strict=True))

    def add(self, record: Record) -> None:
        """Add a record to those to be added."""
        self.new[record.key] = record
        self._new_bytes.setdefault((record.hash, record.sha256), record)

    def find(self, item: Item, duplicate: Duplicate) -> Record | None:
        """Return the record that has these bytes already.

        Raises
        ------
        RecordExistsError
            The name is recorded with other bytes.
        AlreadyPresentException
            There is such a record, and `duplicate` is "raise".
        """
        same = named = self._contents.get(item.key) or self.new.get(item.key)
        if named is not None and not has_bytes(named, item.digest):
            raise _taken(named, item.digest)
        if same is None and item.digest.md5 != digests.EMPTY_MD5:
            same = self._of_bytes(item.digest)
        if same is not None and duplicate == "raise":
            msg = f"These bytes (MD5 {same.hash}) are recorded already, as {_at(same.key)}. "
            raise AlreadyPresentException(msg + (_SAME if same.key == item.key else _OTHERS), same)
        return same

    def _of_bytes(self, digest: Digest) -> Record | None:
        """Return a record of these bytes, among the existing and the new ones."""
        record = self._of_md5(digest.md5)
        if record is None:
            return self._new_bytes.get((digest.md5, digest.sha256))
        return record if has_bytes(record, digest) else self._of_forged(digest)

    def _of_md5(self, md5: str) -> Record | None:
        if self._known is None:
            return self._contents.by_hash(md5)
        index = self._known.get(md5)
        return None if index is None else self._contents.record(index)

    def _of_forged(self, digest: Digest) -> Record | None:
        """Return a record of these bytes where other bytes have the same MD5, which only happens by forgery."""
        same = (i for i, md5 in enumerate(self._contents.hashes) if md5 == digest.md5)
        records = [self._contents.record(i) for i in same]
        found = next((record for record in records if has_bytes(record, digest)), None)
        return found or self._new_bytes.get((digest.md5, digest.sha256))


def _taken(named: Record, found: Digest) -> RecordExistsError:
    recorded, other = f"MD5 {named.hash}", found.md5
    if named.hash == found.md5:
        recorded, other = f"SHA-256 {named.sha256}", found.sha256 or ""
    return RecordExistsError(
        f"{_at(named.key)} is recorded already with other bytes ({recorded}, not {other}), and "
        "a Store never changes a file. Store it under another name, or as a new production."
    )


def _at(key: Key) -> str:
    return " / ".join(map(ascii, key))
