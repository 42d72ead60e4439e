"""pooch: a registry of names and sums beside a folder of files. It has no add."""

from __future__ import annotations

from typing import Any

import pooch
from _job import Clock, main


def verify(root: str) -> dict[str, Any]:
    """Fetch every file, which digests what lies there; a wrong digest is a ValueError since updates are off."""
    clock, failed = Clock(), 0
    with clock:
        kept = pooch.create(path=root, base_url="https://example.invalid/", allow_updates=False)
        kept.load_registry(f"{root}.registry")
        for name in kept.registry_files:
            try:
                kept.fetch(name)
            except ValueError:
                failed += 1
    return {"seconds": clock.seconds, "ok": not failed, "count": len(kept.registry)}


if __name__ == "__main__":
    main(verify)
