"""When each file of a Store on a disk was last verified.

The times are in ``.manifest/verified``: a line ``UUID SECONDS`` for each file that was found to be sound, and
``UUID -SECONDS`` for each that wasn't, in seconds since 1970 (UTC). The file may be lost without harm, and is not kept
if the Store can't be written. A Store that only upstream has written gets the file only when a rotation is asked for:
reading changes nothing there.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._format.layout import HOME, INCOMING, RECENT
from asimov.storage._model.check import Check, Status

VERIFIED = "verified"
_LINE = re.compile(r"([0-9a-f]{32}) (-?\d{1,11})\n")


def read_times(root: Path) -> dict[str, int]:
    """Read when files were last verified: seconds since 1970, by uuid; negative if they were not sound.

    A file that can't be read counts as empty.
    """
    with contextlib.suppress(OSError, UnicodeDecodeError), Folder.open(root) as top, top.folder(HOME) as home:
        with files.opened(home, VERIFIED) as descriptor:
            text = files.read_all(descriptor).decode()
        return {uuid: int(seconds) for uuid, seconds in _LINE.findall(text)}
    return {}


def note_times(root: Path, checks: Sequence[Check], recorded: Sequence[str], *, rotating: bool) -> None:
    """Write that the files of `checks` have been verified now; drop uuids that are not `recorded` any more.

    Without `rotating`, write only to a Store that has our folders, since this package made it or added to it.
    """
    with contextlib.suppress(OSError), Folder.open(root) as top, top.folder(HOME) as home:
        if rotating or home.status(RECENT) is not None:
            _write(home, _noted(root, checks, recorded).encode())


def _noted(root: Path, checks: Sequence[Check], recorded: Sequence[str]) -> str:
    now, known = int(time.time()), set(recorded)
    times = {uuid: seconds for uuid, seconds in read_times(root).items() if uuid in known}
    for check in checks:
        times[check.uuid] = now if check.status is Status.OK else -now
    return "".join(f"{uuid} {seconds}\n" for uuid, seconds in sorted(times.items()))


def _write(home: Folder, text: bytes) -> None:
    """Replace the file, without making a folder."""
    with contextlib.ExitStack() as stack:
        place = home
        if home.status(INCOMING) is not None:
            place = stack.enter_context(home.folder(INCOMING))
        for name in filter(temporary.owner_is_dead, home.names()):
            home.remove(name)  # nobody else sweeps there
        file = stack.enter_context(temporary.Temporary(place, temporary.owner_name()))
        file.write(text)
        file.rename(home, VERIFIED)
