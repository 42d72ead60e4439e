"""Real NFS with several clients on one machine: a Linux kernel that is a plain process (user-mode Linux).

The kernel sees the host's own files, read-only. In there the kernel's NFS server exports an ext4 disk, which is a
sparse file, and the export is mounted once per client with ``nosharecache``: each mount has caches of its own, as on
another computer. Commands run in there, and what they print comes back. Nothing of the host is changed, and no right
but that to start a process is needed.

It needs Debian's user-mode-linux, nfs-kernel-server, nfs-common, rpcbind, busybox-static and e2fsprogs, half a gigabyte
of memory, and about five seconds to boot. It can't show: other kernels than Linux, several versions of it at once, a
network that loses packets. Locks of NFS 3 work badly in there: mount with ``nolock``.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
#: The programs that it needs.
PROGRAMS = ("linux.uml", "busybox", "exportfs", "rpc.nfsd", "rpc.mountd", "rpcbind", "mount.nfs", "mkfs.ext4")
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
DISK, MEMORY = 1_500_000_000, 700
#: The server's own view of what the clients mount, and a folder in memory.
SERVER, SCRATCH = "/mnt/export/stores", "/mnt/scratch"
_GRACE = 20


class NotHere(Exception):
    """The machine can't do it; the text is the reason, in a line."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (None if it never did), and what it printed."""

    code: int | None
    stdout: str
    stderr: str


def find(*programs: str) -> list[str]:
    """Find programs, those of administrators too; `NotHere` names those that are missing."""
    found = {program: shutil.which(program, path=SEARCHED) for program in programs}
    missing = [program for program, path in found.items() if path is None]
    if missing:
        msg = f"not installed: {', '.join(missing)}"
        raise NotHere(msg)
    return [path for path in found.values() if path is not None]


class Bed:
    """A machine that serves one folder to several clients, all in itself.

    Parameters
    ----------
    clients : str
        The options that each client mounts with, such as ``vers=4.2`` or ``vers=3,nolock``.
    leases : bool
        Whether the server grants delegations (NFS 4).
    vfat : bool
        Whether there is a disk with vfat too, at ``/mnt/vfat``.
    """

    def __init__(self, *clients: str, leases: bool = True, vfat: bool = False) -> None:
        self.clients, self.leases, self.vfat = clients, leases, vfat
        self.mounts = [f"/mnt/client{number}" for number in range(1, len(clients) + 1)]

    def run(self, *commands: list[str], seconds: float = 300) -> list[Ended]:
        """Boot, run `commands` in there one after the other, and return how each ended.

        Raises
        ------
        NotHere
            A program is missing, or this machine doesn't let user-mode Linux run.
        RuntimeError
            It ran, and the server or a mount didn't come up; or not all commands had ended in time.
        """
        linux, *_ = find(*PROGRAMS, *(["mkfs.vfat"] if self.vfat else []))
        with tempfile.TemporaryDirectory(prefix="asimov-storage-bed-") as name:
            folder = Path(name)
            self._lay_out(folder, commands)
            _boot(linux, folder, seconds, vfat=self.vfat)
            return [_ended(folder / "out", number) for number in range(len(commands))]

    def _lay_out(self, folder: Path, commands: tuple[list[str], ...]) -> None:
        (folder / "out").mkdir()
        (folder / "uml").mkdir()
        _make_disk(folder / "ext4", DISK, "mkfs.ext4", "-q", "-F")
        if self.vfat:
            _make_disk(folder / "vfat", DISK // 5, "mkfs.vfat")
        plan = {"clients": self.clients, "leases": self.leases, "vfat": self.vfat, "commands": commands}
        (folder / "out" / "plan.json").write_text(json.dumps(plan))
        start = shlex.join([sys.executable, str(HERE / "inside.py"), str(folder / "out")])
        path = shlex.quote(os.environ.get("PYTHONPATH", ""))
        (folder / "start").write_text(f"PYTHONPATH={path} exec {start}\n")
        shutil.copy(HERE / "init.sh", folder / "init.sh")


def _make_disk(disk: Path, size: int, program: str, *options: str) -> None:
    disk.touch()
    os.truncate(disk, size)
    subprocess.run([*find(program), *options, disk], check=True, stdout=subprocess.DEVNULL)


def _boot(linux: str, folder: Path, seconds: float, *, vfat: bool) -> None:
    """Run user-mode Linux until it has powered off."""
    disks = [f"ubda={folder}/ext4", *([f"ubdb={folder}/vfat"] if vfat else [])]
    command = [linux, f"mem={MEMORY}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", *disks]
    command += [f"init={folder}/init.sh", f"uml_dir={folder}/uml", "con=null", "con0=null,fd:1", "quiet", "panic=-1"]
    env = {**os.environ, "HOME": str(folder), "TMPDIR": "/dev/shm" if os.access("/dev/shm", os.W_OK) else str(folder)}
    with (folder / "console").open("wb") as console:
        machine = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, env=env, start_new_session=True
        )
        try:
            machine.wait(seconds + _GRACE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(machine)
    _require_all_done(folder)


def _end(machine: subprocess.Popen[bytes]) -> None:
    """End it, and the processes that stand for those in it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(machine.pid, signal.SIGKILL)
    machine.wait()


def _require_all_done(folder: Path) -> None:
    console = (folder / "console").read_text("utf-8", "replace").strip()
    if not (folder / "out" / "started").exists():
        msg = f"user-mode Linux doesn't run here: {' '.join(console.splitlines()[-1:])}"
        raise NotHere(msg)
    failed = folder / "out" / "failed"
    if failed.exists():
        raise RuntimeError(failed.read_text("utf-8"))
    if not (folder / "out" / "done").exists():
        printed = "\n".join(path.read_text("utf-8", "replace")[-3000:] for path in (folder / "out").glob("*.std*"))
        msg = f"user-mode Linux ended, or was ended, before its commands were done: {console[-3000:]}\n{printed}"
        raise RuntimeError(msg)


def _ended(out: Path, number: int) -> Ended:
    printed = [(out / f"{number}.{stream}").read_text("utf-8", "replace") for stream in ("stdout", "stderr")]
    return Ended(int((out / f"{number}.code").read_text()), *printed)
