"""Files of every kind, previewed."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from asimov.storage.widgets._preview.preview import preview


@pytest.fixture
def describe(tmp_path):
    """Give a function that writes content under a name, and previews the file."""

    def describe(content, name="file"):
        path = tmp_path / "stored"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with path.open("rb") as file:
            return preview(file, name)

    return describe


@pytest.fixture
def hdf5(tmp_path):
    """Give the bytes of an HDF5 file with all kinds of members, also links that lead out of it."""
    with h5py.File(tmp_path / "posterior.h5", "w") as file:
        group = file.create_group("C01:IMRPhenomXPHM")
        fields = [(f"mass_{i}", "f8") for i in range(10)]
        group["posterior_samples"] = np.zeros(1500, dtype=fields)
        group["scalar"] = 1.0
        group["psd"] = np.zeros((2, 3), dtype="f4")
        group["nothing"] = h5py.Empty("f4")
        group["version"] = ["1", "2"]
        file["<img onerror=x>"] = np.zeros(1)
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
        file["soft"] = h5py.SoftLink("/nowhere")
        group["loop"] = file["/"]
        file["kind"] = np.dtype("f8")
    return (tmp_path / "posterior.h5").read_bytes()
