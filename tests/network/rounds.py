"""Long rounds on network file systems: python -m network.rounds [NAME...], with tests/ on the path; `nox -s network`.

Each round is a crowd on one file system. With names, only those rounds. It prints a row of
Markdown for each, as docs/explanation/promises.md has them, and ends with 1 if anything was lost, damaged, refused or
gone again. ``ASIMOV_STORAGE_FIGURES=FILE`` collects all figures, one JSON object a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import crowd, places
from .bed import HERE, SERVER, Bed, NotHere

HEAD = """\
| file system | clients | adds acknowledged | lost | damaged | errors, readers' troubles | killed, stopped | lag |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
SECONDS = 1500
STOPS = ("--writers", 6, "--adds", 20, "--kills", 3, "--stops", 3, "--no-locks")
KILLS = ("--writers", 6, "--adds", 25, "--kills", 8)
BATCHES = ("--writers", 6, "--adds", 10, "--batch", 5, "--kills", 4, "--no-locks", "--sha256")
LARGE = ("--writers", 6, "--adds", 15, "--kills", 4, "--preload", 5000)
ALL = (KILLS, STOPS, BATCHES, LARGE)
GLUSTER = ("/mnt/gluster1", "/mnt/gluster2")


@dataclass(frozen=True)
class Round:
    """Crowds on one file system: its name, the crowds' options, and what runs them all and gives their figures."""

    name: str
    crowds: tuple[tuple[object, ...], ...]
    run: Callable[[tuple[tuple[object, ...], ...]], Iterator[dict]]


def on_bed(*clients: str, leases: bool = True) -> Callable[..., Iterator[dict]]:
    """Return what runs crowds on NFS."""

    def run(crowds: tuple[tuple[object, ...], ...]) -> Iterator[dict]:
        bed = Bed(*clients, leases=leases)
        commands = [crowd.command(bed.mounts, *options, server=SERVER) for options in crowds]
        for ended in bed.run(*commands, seconds=SECONDS):
            assert ended.stdout, ended.stderr
            yield json.loads(ended.stdout)

    return run


def on_gluster(crowds: tuple[tuple[object, ...], ...]) -> Iterator[dict]:
    """Run crowds on GlusterFS, in user-mode Linux."""
    commands = [crowd.command(GLUSTER, *options) for options in crowds]
    served, *rest = Bed().run([sys.executable, str(HERE / "gluster.py"), "2"], *commands, seconds=SECONDS)
    if served.code:
        msg = f"GlusterFS doesn't come up: {served.stderr.splitlines()[-1]}"
        raise NotHere(msg)
    for ended in rest:
        assert ended.stdout, ended.stderr
        yield json.loads(ended.stdout)


def on_mounts(
    mounted: Callable[[Path], contextlib.AbstractContextManager[list[Path]]],
) -> Callable[..., Iterator[dict]]:
    """Return what runs crowds on a file system that this machine mounts."""

    def run(crowds: tuple[tuple[object, ...], ...]) -> Iterator[dict]:
        for options in crowds:
            with tempfile.TemporaryDirectory() as folder, mounted(Path(folder)) as ways:
                yield crowd.run(ways, *options)

    return run


ROUNDS = [
    Round("NFS 4.2 and 4.1", ALL, on_bed("vers=4.2", "vers=4.1")),
    Round("NFS 4.2 and 4.1, without delegations", ALL, on_bed("vers=4.2", "vers=4.1", leases=False)),
    Round("NFS 4.2, three clients", ALL, on_bed("vers=4.2", "vers=4.2", "vers=4.2")),
    Round("NFS 4.0", ALL, on_bed("vers=4.0", "vers=4.0")),
    Round("NFS 4.0, without delegations", ALL, on_bed("vers=4.0", "vers=4.0", leases=False)),
    Round("NFS 3, without locks", ALL, on_bed("vers=3,nolock", "vers=3,nolock")),
    Round("NFS 3, 4.0 and 4.2", ALL, on_bed("vers=3,nolock", "vers=4.0", "vers=4.2")),
    Round("GlusterFS 10", (KILLS, STOPS, BATCHES), on_gluster),
    Round("sshfs, without its caches", ALL, on_mounts(places.sshfs)),
    Round("bindfs", ALL, on_mounts(places.bindfs)),
    Round("xfs", ALL, on_mounts(lambda folder: places.image(folder, "xfs"))),
    Round("btrfs", ALL, on_mounts(lambda folder: places.image(folder, "btrfs"))),
    Round("overlay", ALL, on_mounts(places.overlay)),
]


def row(name: str, crowds: list[dict]) -> str:
    """Return a row of the table: the sums of the figures of some crowds, the worst of the lags."""
    total = {key: sum(figures[key] for figures in crowds) for key in (*crowd.FLAWS, "acknowledged", "kills", "stops")}
    cells = [name, crowds[0]["clients"], f"{total['acknowledged']:,}", total["lost"], total["damaged"]]
    cells += [f"{total['errors']}, {total['reader_troubles']}", f"{total['kills']}, {total['stops']}"]
    return "| " + " | ".join(map(str, [*cells, f"{max(figures['lag'] for figures in crowds):.1f} s"])) + " |"


def note(name: str, figures: dict) -> None:
    """Append figures to the file that collects them, if one does."""
    if file := os.environ.get("ASIMOV_STORAGE_FIGURES"):
        with Path(file).open("a", encoding="utf-8") as collected:
            collected.write(json.dumps({"file system": name, **figures}) + "\n")


def main(*names: str) -> int:
    """Run the rounds and print the table."""
    say, code = (lambda text: (sys.stdout.write(f"{text}\n"), sys.stdout.flush())), 0
    say(HEAD)
    for each in ROUNDS:
        if names and each.name not in names:
            continue
        crowds = []
        try:
            for figures in each.run(each.crowds):
                crowds.append(figures)
                note(each.name, figures)
        except NotHere as reason:
            say(f"{each.name}: left out: {reason}")
            continue
        except (RuntimeError, subprocess.SubprocessError) as error:
            say(f"{each.name}: {error}")
            code = 1
            continue
        say(row(each.name, crowds))
        for figures in crowds:
            if flaws := crowd.flaws(figures):
                say(f"{each.name}: {json.dumps(flaws)}")
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
