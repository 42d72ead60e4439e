"""Make a Store to look at: ``python binder/demo_store.py FOLDER``.

Its events, their masses (solar masses) and distances (Mpc) are those published in GWTC-1
(https://doi.org/10.1103/PhysRevX.9.031040); the samples are drawn from a random generator around them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import h5py
import numpy as np

from asimov.storage import Store

PUBLISHED = {
    "GW150914": (35.6, 30.6, 440.0),
    "GW151012": (23.2, 13.6, 1080.0),
    "GW151226": (13.7, 7.7, 450.0),
    "GW170104": (30.8, 20.0, 990.0),
    "GW170608": (11.0, 7.6, 320.0),
    "GW170729": (50.2, 34.0, 2840.0),
    "GW170809": (35.0, 23.8, 1030.0),
    "GW170814": (30.6, 25.2, 600.0),
    "GW170817": (1.46, 1.27, 40.0),
    "GW170818": (35.4, 26.7, 1060.0),
    "GW170823": (39.5, 29.0, 1940.0),
}
NAMES = ("mass_1", "mass_2", "luminosity_distance")
WAVEFORMS = {"Prod0": "IMRPhenomPv2", "Prod1": "SEOBNRv3"}


def add_production(store: Store, event: str, production: str, random: np.random.Generator) -> None:
    """Store what one analysis of one event would leave: samples (HDF5), their summary (CSV), the configuration."""
    draws = {
        name: random.normal(value, 0.06 * value, 4000) for name, value in zip(NAMES, PUBLISHED[event], strict=True)
    }
    with store.new_file(event, production, "posterior_samples.hdf5") as file, h5py.File(file, "w") as samples:
        for name, values in draws.items():
            samples[f"posterior/{name}"] = values
        samples["posterior"].attrs["waveform"] = WAVEFORMS[production]
    rows = [f"{name},{np.median(values):.4f},{values.std():.4f}" for name, values in draws.items()]
    with store.new_file(event, production, "summary.csv") as file:
        file.write("\n".join(["parameter,median,deviation", *rows, ""]).encode())
    config = {"event": event, "production": production, "waveform": WAVEFORMS[production], "sampler": "dynesty"}
    with store.new_file(event, production, "config.json") as file:
        file.write(json.dumps(config, indent=2).encode())


def main() -> None:
    """Make the Store in the folder that was named; leave one that is there already."""
    root = Path(sys.argv[1])
    if (root / ".manifest").exists():
        return
    store, random = Store.create(root, "GWTC-1, a demonstration"), np.random.default_rng(1509)
    for event in PUBLISHED:
        for production in WAVEFORMS:
            add_production(store, event, production, random)
        spectrum = np.column_stack([np.arange(20, 1024), 1e-46 * random.normal(1, 0.01, 1004)])
        with store.new_file(event, "shared", "H1_psd.txt") as file:
            np.savetxt(file, spectrum, header="frequency [Hz], PSD [1/Hz]")
    store.verify().raise_for_failures()


if __name__ == "__main__":
    main()
