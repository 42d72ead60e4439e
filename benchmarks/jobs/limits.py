"""What the machine allows: MD5 alone, the disk alone, and their two coreutils."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from _job import Clock, files_in, main, md5, settle, variants, write_durably

BLOCK = 1 << 20


def digest(path: str) -> dict[str, Any]:
    """Take the MD5 of one warm file, on one core."""
    clock, hasher, block = Clock(), hashlib.md5(), bytearray(BLOCK)
    with Path(path).open("rb", buffering=0) as file, clock:
        while count := file.readinto(block):
            hasher.update(memoryview(block)[:count])
    return {"seconds": clock.seconds, "hash": hasher.hexdigest()}


def write(path: str, destination: str) -> dict[str, Any]:
    """Write as many bytes as the file has, and fsync them; reading them isn't counted."""
    clock, block = Clock(), bytearray(BLOCK)
    settle()
    with Path(path).open("rb", buffering=0) as source, Path(destination).open("xb", buffering=0) as file:
        while count := source.readinto(block):
            with clock:
                file.write(memoryview(block)[:count])
        with clock:
            os.fsync(file.fileno())
    return {"seconds": clock.seconds, "hash": md5(destination)}


def replace(path: str, times: int) -> dict[str, Any]:
    """Write, fsync and rename as many bytes as the file at `path` has, beside it."""
    source = Path(path)
    content, beside = source.read_bytes(), source.with_name("bench-beside")
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        write_durably(beside, content)
        seconds.append(time.perf_counter() - start)
    beside.unlink()
    return {"seconds": statistics.median(seconds), "bytes": len(content)}


def copy_and_sum(folder: str, destination: str, sync: str) -> dict[str, Any]:
    """Run `cp` of all, `md5sum` of all, then `sync`: of each file, or of the file system ("-f")."""
    Path(destination).mkdir()
    names = [path.name for path in files_in(folder)]
    settle()
    clock = Clock()
    with clock, (Path(destination) / "MD5SUMS").open("xb") as sums:
        subprocess.run(["cp", "-t", destination, *names], cwd=folder, check=True)
        subprocess.run(["md5sum", *names], cwd=destination, check=True, stdout=sums)
        what = ["-f", "."] if sync == "-f" else [".", "MD5SUMS", *names]
        subprocess.run(["sync", *what], cwd=destination, check=True)
    check = subprocess.run(["md5sum", "--quiet", "-c", "MD5SUMS"], cwd=destination, check=False, capture_output=True)
    return {
        "seconds": clock.seconds,
        "hashes": [md5(Path(destination) / name) for name in names],
        "ok": not check.returncode,
    }


def verify(folder: str, batch: int) -> dict[str, Any]:
    """Run `xargs -P2 md5sum` over all files of a folder, then compare with its list of sums (which isn't counted)."""
    sums = Path(folder).with_name(Path(folder).name + ".md5")
    paths = "\0".join(map(str, files_in(folder))).encode()
    clock = Clock()
    with clock:
        command = ["xargs", "-0", "-P2", f"-n{batch}", "md5sum"]
        done = subprocess.run(command, input=paths, stdout=subprocess.PIPE, check=True)
    return {
        "seconds": clock.seconds,
        "ok": sorted(done.stdout.splitlines()) == sorted(sums.read_bytes().splitlines()),
    }


def add_one(root: str, path: str, times: int) -> dict[str, Any]:
    """Add to a folder with a list of sums as a shell does: `cp`, `md5sum >>`, `sync` of all three."""
    clock, sums = Clock(), Path(root) / "manifest-md5.txt"
    for source in variants(path, times):
        with clock, sums.open("ab") as listed:
            subprocess.run(["cp", source, root], check=True)
            subprocess.run(["md5sum", source.name], cwd=root, check=True, stdout=listed)
            subprocess.run(["sync", root, Path(root) / source.name, sums], check=True)
        assert sums.read_text().endswith(f"{md5(source)}  {source.name}\n")
    return {"seconds": clock.seconds / times}


if __name__ == "__main__":
    main(digest, write, replace, copy_and_sum, verify, add_one)
