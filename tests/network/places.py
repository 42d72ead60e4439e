"""Odd file systems, mounted for the length of a ``with`` block: each gives the ways to one folder, one for each client.

A function raises `NotHere`, with the reason in a line, where this machine lacks a program or doesn't let it mount.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from .bed import NotHere, find

SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
_SIZE = 400_000_000
_PATIENCE = 30


def _try(*command: str | Path) -> None:
    """Run a program that mounts; if it may not, this machine can't do it."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if ended.returncode:
        msg = f"{Path(command[0]).name} says: {' '.join((ended.stderr or ended.stdout).split())[:200]}"
        raise NotHere(msg)


@contextlib.contextmanager
def _unmounted(place: Path) -> Iterator[Path]:
    """Make the folder `place` to mount on, and unmount it in the end."""
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        if place.is_mount():
            _unmount(place)


def _unmount(place: Path) -> None:
    (umount,) = find("umount")
    deadline = time.monotonic() + _PATIENCE
    while subprocess.run([umount, place], capture_output=True, check=False).returncode:
        if time.monotonic() > deadline:
            subprocess.run([umount, "-l", place], capture_output=True, check=False)
            return
        time.sleep(0.1)


def _require_root() -> None:
    if os.geteuid():
        msg = "only root may mount"
        raise NotHere(msg)


@contextlib.contextmanager
def image(folder: Path, kind: str, *options: str) -> Iterator[list[Path]]:
    """Mount a new file system of that kind, which lies in a file: xfs, btrfs, ext4 or vfat."""
    _require_root()
    make, mount = find(f"mkfs.{kind}", "mount")
    disk = folder / f"{kind}.image"
    disk.touch()
    os.truncate(disk, _SIZE)
    _try(make, *options, disk)
    with _unmounted(folder / kind) as place:
        _try(mount, "-t", kind, "-o", "loop", disk, place)
        yield [place]


@contextlib.contextmanager
def overlay(folder: Path) -> Iterator[list[Path]]:
    """Mount an overlay, as containers have it."""
    _require_root()
    (mount,) = find("mount")
    layers = [folder / name for name in ("lower", "upper", "work")]
    for layer in layers:
        layer.mkdir()
    options = "lowerdir={},upperdir={},workdir={}".format(*layers)
    with _unmounted(folder / "overlay") as place:
        _try(mount, "-t", "overlay", "-o", options, "overlay", place)
        yield [place]


@contextlib.contextmanager
def _fuse(folder: Path, clients: int, *command: str | Path) -> Iterator[list[Path]]:
    """Mount by a program of FUSE, once for each client."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        msg = "/dev/fuse can't be opened"
        raise NotHere(msg)
    with contextlib.ExitStack() as stack:
        places = [stack.enter_context(_unmounted(folder / f"client{number + 1}")) for number in range(clients)]
        for place in places:
            _try(*command, place)
            _wait_for_mount(place)
        yield places


def _wait_for_mount(place: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not place.is_mount():
        if time.monotonic() > deadline:
            msg = f"{place} wasn't mounted within {_PATIENCE} s"
            raise NotHere(msg)
        time.sleep(0.05)


def _served(folder: Path) -> Path:
    served = folder / "served"
    served.mkdir()
    return served


@contextlib.contextmanager
def bindfs(folder: Path, clients: int = 1) -> Iterator[list[Path]]:
    """Mount a folder by bindfs: FUSE on one machine, which keeps removed files that are open as ``.fuse_hidden``."""
    (program,) = find("bindfs")
    with _fuse(folder, clients, program, _served(folder)) as places:
        yield places


@contextlib.contextmanager
def sshfs(folder: Path, clients: int = 2) -> Iterator[list[Path]]:
    """Mount a folder by sshfs; each client speaks with an SFTP server of its own, with no ssh between them.

    Without ``direct_io`` a client takes the size of a file that another has replaced for the new one's; without
    ``dir_cache=no`` it believes for 20 s what it knows of a folder.
    """
    (program,) = find("sshfs")
    servers = [path for path in SFTP_SERVERS if os.access(path, os.X_OK)]
    if not servers:
        msg = "not installed: sftp-server"
        raise NotHere(msg)
    connect = folder / "connect"
    connect.write_text(f"#!/bin/sh\nexec {servers[0]}\n")
    connect.chmod(0o755)
    options = ("-o", "direct_io,dir_cache=no", "-o", f"ssh_command={connect}", f"localhost:{_served(folder)}")
    with _fuse(folder, clients, program, *options) as places:
        yield places
