"""bagit, the Library of Congress': a folder and a list of its sums, made of a folder in place, and not fsynced."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import bagit
from _job import Clock, files_in, main, md5, peak, settle

IDLE = peak()
logging.disable(logging.ERROR)


def _bagged(root: str) -> dict[str, Any]:
    clock = Clock()
    settle()
    with clock:
        bagit.make_bag(root, checksums=["md5"], processes=2)
    return {
        "seconds": clock.seconds,
        "memory": peak() - IDLE,
        "hashes": list(map(md5, files_in(Path(root) / "data"))),
    }


def add_large(root: str, path: str) -> dict[str, Any]:
    """Copy one file into a folder, and make a bag of it."""
    clock = Clock()
    with clock:
        Path(root).mkdir()
        shutil.copyfile(path, Path(root) / Path(path).name)
    done = _bagged(root)
    return done | {"seconds": done["seconds"] + clock.seconds}


def add_batch(root: str, folder: str) -> dict[str, Any]:
    """Copy a folder, and make a bag of it."""
    clock = Clock()
    with clock:
        shutil.copytree(folder, root)
    done = _bagged(root)
    return done | {"seconds": done["seconds"] + clock.seconds}


def verify(root: str) -> dict[str, Any]:
    """Validate the bag in two processes."""
    clock, bag_ok = Clock(), True
    with clock:
        bag = bagit.Bag(root)
        try:
            bag.validate(processes=2)
        except bagit.BagValidationError:
            bag_ok = False
    return {"seconds": clock.seconds, "ok": bag_ok, "count": len(bag.payload_entries())}


if __name__ == "__main__":
    main(add_large, add_batch, verify)
