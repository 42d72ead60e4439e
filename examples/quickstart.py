"""The main job of asimov.storage, from an empty folder to a verified Store: ``python examples/quickstart.py [FOLDER]``.

It makes a Store, adds result files, prints them as a table, fetches one verified, verifies all, and opens a Store that
upstream asimov wrote. Everything is made in FOLDER, or in a fresh temporary folder, and stays there to look at.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from asimov.storage import Store

LEGACY_STORES = Path(__file__).parents[1] / "tests" / "data" / "legacy-stores.tar.gz"
EVENTS = {"GW150914": 35.6, "GW151226": 13.7}  # primary masses in solar masses, as published in GWTC-1


def write_results(folder: Path, mass: float) -> list[Path]:
    """Stand in for a pipeline: write posterior samples of a mass, in solar masses, and the configuration."""
    folder.mkdir(parents=True)
    samples = folder / "posterior_samples.csv"
    draw = random.Random(mass)  # noqa: S311  plausible, not secret
    samples.write_text("\n".join(["mass_1", *(f"{draw.gauss(mass, 3):.4f}" for _ in range(2000))]) + "\n")
    config = folder / "config.json"
    config.write_text(json.dumps({"waveform": "IMRPhenomPv2", "prior": {"mass_1": [5, 80]}, "seed": mass}))
    return [samples, config]


def main() -> None:
    """Run the steps one after the other."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="quickstart-"))

    store = Store.create(folder / "store", "Quickstart")
    for event, mass in EVENTS.items():
        for path in write_results(folder / "results" / event, mass):
            store.add_file(event, "Prod0", path)
    print(f"{store}\n")
    print(store.to_frame().to_string(index=False))

    path = store.fetch_file("GW150914", "Prod0", "config.json")
    print(f"\nfetched and verified: {path}\n{path.read_text()}")

    report = store.verify()
    print(f"\n{report}")
    report.raise_for_failures()

    shutil.unpack_archive(LEGACY_STORES, folder / "legacy")
    for root in sorted((folder / "legacy").glob("store-*")):
        legacy = Store(root)
        report = legacy.verify()
        print(f"\nwritten by asimov {root.name.removeprefix('store-')}: {legacy}\n{report}")
        report.raise_for_failures()

    print(f'\nLook around: "{sys.executable}" -m asimov.storage --store "{store.root}" list')


if __name__ == "__main__":
    main()
