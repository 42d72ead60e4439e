"""What can happen to a Store and to the disk under it, as plain functions and fixtures; conftest.py hands the
fixtures on.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib
import os
import pkgutil
import re
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

import asimov.storage
from asimov.storage import Store

NOBODY = 65534
AS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0

#: Two files of one MD5.
#: X. Wang, D. Feng, X. Lai, H. Yu: Collisions for Hash Functions MD4, MD5, HAVAL-128 and RIPEMD (2004), the first pair.
ONE = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f8955ad340609f4b30283e488832571415a"
    "085125e8f7cdc99fd91dbdf280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
TWO = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab50712467eab4004583eb8fb7f8955ad340609f4b30283e4888325f1415a"
    "085125e8f7cdc99fd91dbd7280373c5bd8823e3156348f5bae6dacd436c919c6dd53e23487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080280d1ec69821bcb6a8839396f965ab6ff72a70"
)


def md5(content: bytes) -> str:
    """Digest `content` as the manifest does."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def unpack_legacy_stores(folder: Path) -> None:
    """Unpack the Stores that upstream's releases wrote; as data, where Python knows how (3.11.4 and newer)."""
    with tarfile.open(Path(__file__).parent / "data" / "legacy-stores.tar.gz") as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)  # noqa: S202 - from the package index, by its name


def manifest_of(store: Store) -> Path:
    """Find the file that SEED.txt calls the manifest."""
    return Path(store.root) / ".manifest" / "manifest.yaml"


def records_text(store):
    """Return manifest.yaml without its last line, which tells of the entries that it includes."""
    text = manifest_of(store).read_bytes()
    assert re.fullmatch(rb"# entries folded: \d+\n", text.splitlines(keepends=True)[-1])
    return b"".join(text.splitlines(keepends=True)[:-1])


def keys(store: Store) -> list[tuple[str, str, str]]:
    """List what `store` has recorded, in order."""
    return sorted(record.key for record in store)


def contents(root: Path) -> dict[str, bytes | None]:
    """Read all that a Store promises to leave alone: data, folders, manifest.yaml, and the temporaries under way."""
    found: dict[str, bytes | None] = {}
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root).parts
        bookkeeping = place[0] == ".manifest"
        temporary = bookkeeping and len(place) > 2 and place[1] in {"incoming", "tmp"}
        if not bookkeeping or temporary or place[1:] == ("manifest.yaml",):
            found["/".join(place)] = path.read_bytes() if path.is_file() else None
    return found


@contextmanager
def writable(path: Path):
    """Give the owner of a read-only file the right to write it, for a moment."""
    mode = path.stat().st_mode & 0o7777
    path.chmod(mode | 0o200)
    yield
    path.chmod(mode)


def flip_bit(path: Path) -> None:
    """Change one bit in the middle, and neither length, mode nor times."""
    times = path.stat()
    with writable(path), path.open("r+b") as file:
        file.seek(times.st_size // 2)
        byte = file.read(1)[0]
        file.seek(times.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def truncate(path: Path) -> None:
    """Cut the last byte off."""
    with writable(path):
        os.truncate(path, path.stat().st_size - 1)


def grow(path: Path) -> None:
    """Add a byte at the end."""
    with writable(path), path.open("ab") as file:
        file.write(b"\0")


def replace_by_symlink(path: Path) -> None:
    """Put a link to the very same bytes, elsewhere, in the place of a file."""
    elsewhere = path.parent.parent.parent.parent / f"elsewhere-{path.name}"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def replace_by_folder(path: Path) -> None:
    """Put a folder in the place of a file."""
    path.unlink()
    path.mkdir()


def replace_by_fifo(path: Path) -> None:
    """Put a pipe, which nobody writes to, in the place of a file."""
    path.unlink()
    os.mkfifo(path)


class Disk:
    """A very small disk of its own: a tmpfs where we may mount one, else a limit on the length of files."""

    def __init__(self, root: Path, *, mounted: bool) -> None:
        self.root, self.mounted = root, mounted
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    @property
    def refusals(self) -> set[int]:
        """The error numbers that a full disk gives here."""
        return {errno.ENOSPC} if self.mounted else {errno.EFBIG}

    def fill(self, *, leaving_pages: int = 0) -> None:
        """Leave `leaving_pages` free pages of 4096 bytes; without a mount, allow files of that length."""
        if not self.mounted:
            resource.setrlimit(resource.RLIMIT_FSIZE, (leaving_pages * 4096, self._limits[1]))
            return
        ballast = self.root / "ballast"
        ballast.unlink(missing_ok=True)
        with ballast.open("wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(bytes(4096))
            os.truncate(ballast, ballast.stat().st_size - 4096 * leaving_pages)

    def empty(self) -> None:
        """Make room again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        (self.root / "ballast").unlink(missing_ok=True)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 512 kB that a test can fill."""
    root = tmp_path / "disk"
    root.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k,mode=755", "tmpfs", str(root)]
    mounted = (
        AS_ROOT and sys.platform == "linux" and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    )
    disk = Disk(root, mounted=mounted)
    yield disk
    disk.empty()
    if mounted:
        subprocess.run(["umount", "-l", str(root)], check=True)


def load_what_is_loaded_late() -> None:
    """Import what the core imports when it needs it: nobody may not be able to read the Python that runs the tests."""
    late = ["concurrent.futures.thread", "difflib", "logging", "queue", "socket", "uuid", "yaml"]
    ours = [found.name for found in pkgutil.walk_packages(asimov.storage.__path__, "asimov.storage.")]
    for name in [*late, *(name for name in ours if name.startswith("asimov.storage._") and "__main__" not in name)]:
        importlib.import_module(name)


@contextmanager
def ordinary_user(*, group: int = NOBODY):
    """Be nobody for a moment where the tests run as root, who may do anything; else be who one is."""
    if not AS_ROOT:
        yield
        return
    load_what_is_loaded_late()
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(group, group, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


@contextmanager
def umask(mask: int):
    """Set the umask for a moment."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.fixture
def common_path():
    """A folder like tmp_path that every user of the machine can enter, as pytest's can't be."""
    root = Path(tempfile.mkdtemp(prefix="asimov-storage-"))
    root.chmod(0o755)
    yield root
    for folder, _, _ in os.walk(root):
        Path(folder).chmod(0o700)
    shutil.rmtree(root)


@contextmanager
def read_only(root: Path):
    """Take the right to write `root`, and all below it, away from everybody, and be somebody whom that stops."""
    modes = {path: path.lstat().st_mode & 0o7777 for path in [root, *root.rglob("*")] if not path.is_symlink()}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222 | 0o444 | (0o111 if path.is_dir() else 0))
    try:
        with ordinary_user():
            yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


@pytest.fixture
def read_only_store(common_path):
    """A Store with one file, S1/Prod0/result.txt, in a folder that may be read and not written."""
    store = Store.create(common_path / "store", "Someone else's")
    source = common_path / "result.txt"
    source.write_bytes(b"a result")
    store.add_file("S1", "Prod0", source)
    source.chmod(0o644)
    with read_only(store.root):
        yield store


@pytest.fixture
def store(tmp_path):
    """An empty Store."""
    return Store.create(tmp_path / "store", "Test Store")


@pytest.fixture
def source(tmp_path):
    """A function that makes a file to store: source(name, content) -> Path."""

    def make(name: str = "result.txt", content: bytes = b"a result") -> Path:
        path = tmp_path / "sources" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return make


@pytest.fixture
def stored(store, source):
    """The path in the Store of S1/Prod0/result.txt, which has just been stored."""
    store.add_file("S1", "Prod0", source())
    return store.fetch_file("S1", "Prod0", "result.txt")


@pytest.fixture
def hand_written(tmp_path):
    """A function that makes a Store's folder around a manifest: hand_written(text or bytes) -> root."""

    def make(manifest: str | bytes, name: str = "by-hand") -> Path:
        root = tmp_path / name
        (root / ".manifest").mkdir(parents=True)
        data = manifest.encode() if isinstance(manifest, str) else manifest
        (root / ".manifest" / "manifest.yaml").write_bytes(data)
        return root

    return make


def record_text(hash: str = "d41d8cd98f00b204e9800998ecf8427e", uuid: str = "f9f167bee8e3449aa0c68bf7f91e7b7a") -> str:
    """Write a record as YAML's flow style has it."""
    return f"{{hash: {hash}, uuid: {uuid}}}"


def run_python(code: str, *args: str, **options) -> subprocess.CompletedProcess[str]:
    """Run `code` in a Python of its own that finds the same asimov.storage, and no other way of getting at it."""
    site = str(Path(asimov.storage.__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": site, **options.pop("env", {})}
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False, **options)
