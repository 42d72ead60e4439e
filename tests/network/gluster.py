"""Serve a volume of GlusterFS in user-mode Linux, and mount it N times, at /mnt/gluster1 and so on: gluster.py N.

To be run in a `Bed`, before what uses the mounts. One brick, one server, native clients (FUSE).
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from inside import call, load

STATE = ("/var/lib/glusterd", "/var/log/glusterfs", "/var/lib/misc", "/run/gluster")
BRICK, ADDRESS, PATIENCE = Path("/mnt/export/brick"), "10.99.0.1", 60  # a loopback address is refused


def make_writable(place: str) -> None:
    """Let a folder of the host be written to, which nobody outside sees."""
    above = Path("/mnt/scratch/above")
    (above / "upper").mkdir(parents=True)
    (above / "work").mkdir()
    layers = f"lowerdir={place},upperdir={above}/upper,workdir={above}/work"
    call("mount", "-t", "overlay", "-o", layers, "overlay", place)


def wait_for(*command: str) -> None:
    """Repeat a program until it succeeds."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call(*command)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def serve() -> None:
    """Start the server and the volume."""
    load("fuse", "overlay")
    make_writable("/tmp")
    for place in filter(lambda place: Path(place).parent.exists(), STATE):
        if place.startswith("/run"):
            Path(place).mkdir()
        elif Path(place).exists():
            call("mount", "-t", "tmpfs", "tmpfs", place)
    BRICK.mkdir()
    call("busybox", "ifconfig", "lo:0", ADDRESS, "netmask", "255.255.255.0", "up")
    call("glusterd")
    wait_for("gluster", "--mode=script", "volume", "list")
    call("gluster", "--mode=script", "volume", "create", "stores", f"{ADDRESS}:{BRICK}", "force")
    call("gluster", "--mode=script", "volume", "start", "stores")


def mount(number: int) -> None:
    """Mount the volume as one more client."""
    place = Path(f"/mnt/gluster{number}")
    place.mkdir()
    wait_for("mount", "-t", "glusterfs", f"{ADDRESS}:/stores", str(place))


if __name__ == "__main__":
    serve()
    for client in range(int(sys.argv[1])):
        mount(client + 1)
