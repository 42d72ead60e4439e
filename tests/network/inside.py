"""What runs in user-mode Linux in place of init: serve a folder by NFS, mount it, run commands, power off.

inside.py OUT: the plan is in OUT/plan.json, and what the commands print goes to files there. The standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import traceback
from pathlib import Path

MODULES = Path("/usr/lib/uml/modules") / os.uname().release
_POWER_OFF = 0x4321FEDC
STATE = Path("/var/lib/nfs")


def call(*command: str) -> None:
    """Run a program; what it says is part of the error if it fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        msg = f"{' '.join(command)}: exit code {ended.returncode}: {ended.stdout}{ended.stderr}"
        raise RuntimeError(msg)


def load(*names: str) -> None:
    """Load kernel modules, and before each what it needs."""
    needs = dict(line.split(":") for line in (MODULES / "modules.dep").read_text().splitlines())
    paths = {Path(path).stem.replace("-", "_"): path for path in needs}
    loaded = set()
    for path in (paths[name] for name in names if name in paths):
        for module in [*reversed(needs[path].split()), path]:
            if module not in loaded:
                subprocess.run(["busybox", "insmod", MODULES / module], capture_output=True, check=False)
                loaded.add(module)


def make_room() -> None:
    """Mount what a running system has: the host's files are read-only."""
    call("mount", "-t", "sysfs", "sysfs", "/sys")
    for place in ("/run", "/mnt", STATE):
        call("mount", "-t", "tmpfs", "tmpfs", str(place))
    for name in ("export", "scratch"):
        Path("/mnt", name).mkdir()
    call("mount", "-t", "tmpfs", "tmpfs", "/mnt/scratch")
    call("mount", "-t", "ext4", "/dev/ubda", "/mnt/export")
    Path("/mnt/export/stores").mkdir()
    call("busybox", "ifconfig", "lo", "127.0.0.1", "up")
    socket.sethostname("server")


def serve(*, leases: bool) -> None:
    """Export the folder."""
    load("lockd", "nfs", "nfsd", "nfsv3", "nfsv4")
    for name in ("sm", "sm.bak", "v4recovery", "rpc_pipefs", "nfsdcltrack"):
        (STATE / name).mkdir()
    for name in ("etab", "rmtab", "xtab"):
        (STATE / name).touch()
    Path("/proc/sys/fs/leases-enable").write_text(f"{leases:d}")
    for name in ("nlm_timeout", "nlm_grace_period"):  # else locks of NFS 3 wait for a minute
        Path("/proc/sys/fs/nfs", name).write_text("3")
    call("mount", "-t", "nfsd", "nfsd", "/proc/fs/nfsd")
    call("mount", "-t", "rpc_pipefs", "rpc_pipefs", str(STATE / "rpc_pipefs"))
    call("rpcbind", "-w")
    call("rpc.statd", "--no-notify")
    call("exportfs", "-o", "rw,no_root_squash,no_subtree_check,insecure,fsid=0", "127.0.0.1:/mnt/export")
    call("rpc.nfsd", "8")
    call("rpc.mountd")
    Path("/proc/fs/nfsd/v4_end_grace").write_text("Y")


def mount(number: int, options: str) -> None:
    """Mount the export as one more client."""
    place = Path(f"/mnt/client{number}")
    place.mkdir()
    exported = "/mnt/export/stores" if "vers=3" in options else "/stores"
    call("mount", "-t", "nfs", "-o", f"{options},nosharecache", f"127.0.0.1:{exported}", str(place))


def mount_vfat() -> None:
    """Mount the disk with vfat."""
    load("vfat", "nls_cp437", "nls_ascii", "nls_iso8859_1", "nls_utf8")
    Path("/mnt/vfat").mkdir()
    call("mount", "-t", "vfat", "-o", "iocharset=ascii,utf8", "/dev/ubdb", "/mnt/vfat")


def run(number: int, command: list[str], out: Path) -> None:
    """Run a command of the plan."""
    env = {**os.environ, "HOME": "/mnt/scratch", "TMPDIR": "/mnt/scratch", "PYTHONDONTWRITEBYTECODE": "1"}
    with (out / f"{number}.stdout").open("w") as stdout, (out / f"{number}.stderr").open("w") as stderr:
        ended = subprocess.run(command, stdin=-3, stdout=stdout, stderr=stderr, env=env, cwd="/mnt", check=False)
    (out / f"{number}.code").write_text(str(ended.returncode))


def main(shared: str) -> None:
    """Do all of it."""
    begun = time.monotonic()
    make_room()
    out = Path("/mnt/out")
    out.mkdir()
    call("mount", "-t", "hostfs", "hostfs", str(out), "-o", shared)
    (out / "started").touch()
    try:
        plan = json.loads((out / "plan.json").read_text())
        if plan["clients"]:
            serve(leases=plan["leases"])
        for number, options in enumerate(plan["clients"], 1):
            mount(number, options)
        if plan["vfat"]:
            mount_vfat()
        shutil.copy("/proc/mounts", out / "mounts")
        (out / "seconds").write_text(f"{time.monotonic() - begun:.1f}")
        for number, command in enumerate(plan["commands"]):
            run(number, command, out)
        (out / "done").touch()
    except BaseException:  # noqa: BLE001 - whatever else it is, it is a fault to be seen
        (out / "failed").write_text(traceback.format_exc())


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BaseException:  # noqa: BLE001 - whatever else it is, it is a fault to be seen
        traceback.print_exc()
    finally:
        os.sync()
        ctypes.CDLL(None).reboot(_POWER_OFF)
