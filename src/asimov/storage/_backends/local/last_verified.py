"""When each file was last verified, so that a job with an hour a night covers a Store in rotation.

The times are in ``.manifest/verified``: a line ``UUID SECONDS`` for each file that was found to be sound, in seconds
since 1970 (UTC). The file may be lost without harm, and is not kept where the Store can't be written. To a Store that
only upstream has written it is added only when a rotation is asked for: reading changes nothing there.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from asimov.storage._disk import files, temporary
from asimov.storage._disk.folder import Folder
from asimov.storage._format.layout import HOME, INCOMING, RECENT
from asimov.storage._model.check import Check, Status
from asimov.storage._model.record import Record

VERIFIED = "verified"
_LINE = re.compile(r"([0-9a-f]{32}) (\d{1,11})\n")
_AHEAD = 86_400
"""Seconds that a time may lie ahead of this clock; one further ahead is of a clock that was wrong, and says nothing."""


def read_times(root: Path) -> dict[str, int]:
    """Read when files were last verified: seconds since 1970, by uuid. A file that can't be read counts as empty."""
    with contextlib.suppress(OSError, UnicodeDecodeError), Folder.open(root) as top, top.folder(HOME) as home:
        with files.opened(home, VERIFIED) as descriptor:
            text = files.read_all(descriptor).decode()
        return {uuid: int(seconds) for uuid, seconds in _LINE.findall(text)}
    return {}


def note_times(root: Path, checks: Sequence[Check], recorded: Sequence[str], *, rotating: bool) -> None:
    """Note that the files of `checks` that are sound have been verified now; forget those not `recorded` any more.

    Unless it is `rotating`, only in a Store that we have made or grown: it has our folders.
    """
    with contextlib.suppress(OSError), Folder.open(root) as top, top.folder(HOME) as home:
        if rotating or home.status(RECENT) is not None:
            _write(home, _noted(root, checks, recorded).encode())


def _noted(root: Path, checks: Sequence[Check], recorded: Sequence[str]) -> str:
    now, known = int(time.time()), set(recorded)
    times = {uuid: seconds for uuid, seconds in read_times(root).items() if uuid in known}
    for check in checks:
        if check.status is Status.OK:
            times[check.uuid] = now
        else:
            times.pop(check.uuid, None)  # next time, it comes first
    return "".join(f"{uuid} {seconds}\n" for uuid, seconds in sorted(times.items()))


def _write(home: Folder, text: bytes) -> None:
    """Replace the file; no folder is made for that."""
    with contextlib.ExitStack() as stack:
        place = home
        if home.status(INCOMING) is not None:
            place = stack.enter_context(home.folder(INCOMING))
        for name in filter(temporary.owner_is_dead, home.names()):
            home.remove(name)  # nobody else sweeps there
        file = stack.enter_context(temporary.Temporary(place, temporary.owner_name()))
        file.write(text)
        file.rename(home, VERIFIED)


def due(
    records: Iterable[tuple[Record, int]], times: Mapping[str, int], since: timedelta | None
) -> list[tuple[Record, int]]:
    """Return those of `records` that were not verified within `since`, the ones that wait longest first."""
    now = time.time()
    limit = now - since.total_seconds() if since is not None else float("inf")

    def last(pair: tuple[Record, int]) -> int:
        seconds = times.get(pair[0].uuid, 0)
        return seconds if seconds <= now + _AHEAD else 0

    return sorted((pair for pair in records if last(pair) <= limit), key=last)
