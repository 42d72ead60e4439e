"""A note of the last fold of a large manifest, so that others need not read the manifest again, nor fold too often.

``.manifest/last-fold`` is one line: a *lineage*, the number of the last entry that the manifest includes, the size,
modification time (ns) and inode number of the manifest that was written, how long the fold took (microseconds), and the
CRC-32 of all that. Two manifests of one lineage differ only by entries: no editor or other program has changed them. So
a process that has read one of them knows the other from the entries alone.

The file is replaced in place, and may be torn, missing or out of date. Then the manifest is read, and folded at once.
"""

from __future__ import annotations

import binascii
import contextlib
import os
import re
from typing import NamedTuple, Self

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import Folder, Stamp

NAME = "last-fold"
WORTHWHILE = 1 << 18
"""The size in bytes from which a manifest gets a note: a smaller one is read and written in a few milliseconds."""
QUICK = 0.01
"""A fold that took no longer than this many seconds is no reason to put off the next one."""
SHARE = 10
"""After a slower fold, there is no other for this many times its own duration."""
_LONGEST_DURATION = 60.0
_LINE = re.compile(rb"([0-9a-f]{16}) (\d{1,18}) (\d{1,18}) (-?\d{1,20}) (\d{1,20}) (\d{1,12}) ([0-9a-f]{8})\n")


class LastFold(NamedTuple):
    """The note of one fold.

    Attributes
    ----------
    lineage : str
        16 hexadecimal digits.
    number : int
        The number of the last entry that the manifest includes.
    size, modified, inode : int
        Size, modification time and inode number of the manifest.
    seconds : float
        How long the fold took.
    ended : float
        When it ended, by the file system's clock.
    """

    lineage: str
    number: int
    size: int
    modified: int
    inode: int
    seconds: float
    ended: float = 0.0

    @classmethod
    def of(cls, lineage: str, number: int, stamp: Stamp, seconds: float) -> Self:
        """Return the note of a fold that has just written the manifest with this stamp."""
        return cls(lineage, number, stamp.size, stamp.modified, stamp.inode, seconds)

    def wrote(self, stamp: Stamp) -> bool:
        """Return whether this fold wrote the manifest with this stamp."""
        return (stamp.size, stamp.modified, stamp.inode) == (self.size, self.modified, self.inode)

    def is_too_near(self, now: float) -> bool:
        """Return whether another fold, at `now` by the file system's clock, would come too soon after this one."""
        return self.seconds > QUICK and 0 <= now - self.ended < SHARE * min(self.seconds, _LONGEST_DURATION)


def new_lineage() -> str:
    """Return the name of a new lineage."""
    return os.urandom(8).hex()


def read(home: Folder) -> LastFold | None:
    """Read the note of the last fold; None if there is none that can be read."""
    try:
        if home.status(NAME) is None:  # most Stores are small and have none; an error takes longer than a look
            return None
        with files.opened(home, NAME) as descriptor:
            text, ended = os.pread(descriptor, 256, 0), os.fstat(descriptor).st_mtime
    except OSError:
        return None
    found = _LINE.fullmatch(text)
    if found is None or binascii.crc32(text[: found.start(7)]) != int(found[7], 16):
        return None
    number, size, modified, inode, microseconds = (int(found[group]) for group in range(2, 7))
    return LastFold(found[1].decode(), number, size, modified, inode, microseconds / 1e6, ended)


def write(home: Folder, fold: LastFold) -> None:
    """Write the note of a fold, if that is possible."""
    microseconds = min(int(fold.seconds * 1e6), 10**12 - 1)
    text = f"{fold.lineage} {fold.number} {fold.size} {fold.modified} {fold.inode} {microseconds} ".encode()
    text += f"{binascii.crc32(text):08x}\n".encode()
    with contextlib.suppress(OSError):
        temporary.write_over(home, NAME, text)
