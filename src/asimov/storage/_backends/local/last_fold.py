"""What the last fold of a large manifest left word of, so that others need not read it again, nor fold too often.

``.manifest/last-fold`` is one line: a *lineage*, the number up to which the manifest includes the entries, the size,
modification time (ns) and inode number of the manifest that was written, how long the fold took (microseconds), and the
CRC-32 of all that. Two manifests of one lineage differ by entries only: nothing else has changed them, as an editor or
another program would. So a process that has read one of them knows the other from the entries alone.

The file is replaced in place and may be torn, missing or out of date: then the manifest is read, and folded at once.
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
"""Bytes from which a manifest gets one: a smaller one is read, and written, in a few milliseconds."""
QUICK = 0.01
"""Seconds: a fold that took no longer is no reason to put off the next one."""
SHARE = 10
"""A fold that took longer is followed by none for so many times its own duration."""
_LONGEST_DURATION = 60.0
_LINE = re.compile(rb"([0-9a-f]{16}) (\d{1,18}) (\d{1,18}) (-?\d{1,20}) (\d{1,20}) (\d{1,12}) ([0-9a-f]{8})\n")


class LastFold(NamedTuple):
    """One such line.

    Attributes
    ----------
    lineage : str
        16 hexadecimal digits.
    number : int
        The number of the last entry that the manifest includes.
    size, modified, inode : int
        The manifest's.
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
        """Describe a fold that has just been made, of the manifest with that stamp."""
        return cls(lineage, number, stamp.size, stamp.modified, stamp.inode, seconds)

    def wrote(self, stamp: Stamp) -> bool:
        """Return whether the manifest with that stamp is the one that this fold wrote."""
        return (stamp.size, stamp.modified, stamp.inode) == (self.size, self.modified, self.inode)

    def is_too_near(self, now: float) -> bool:
        """Return whether another fold, at `now` by the file system's clock, would come too soon after it."""
        return self.seconds > QUICK and 0 <= now - self.ended < SHARE * min(self.seconds, _LONGEST_DURATION)


def new_lineage() -> str:
    """Return the name of a new lineage."""
    return os.urandom(8).hex()


def read(home: Folder) -> LastFold | None:
    """Read what the last fold left; None if there is nothing that can be read."""
    try:
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
    """Write down that a fold was made, where that can be done."""
    microseconds = min(int(fold.seconds * 1e6), 10**12 - 1)
    text = f"{fold.lineage} {fold.number} {fold.size} {fold.modified} {fold.inode} {microseconds} ".encode()
    text += f"{binascii.crc32(text):08x}\n".encode()
    with contextlib.suppress(OSError):
        temporary.write_over(home, NAME, text)
