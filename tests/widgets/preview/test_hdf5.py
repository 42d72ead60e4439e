"""HDF5 files: their tree, attributes and first values."""

from __future__ import annotations

import sys

import h5py
import numpy as np

ROWS = " ".join([str((0.0,) * 10)[:40]] * 8)


def test_the_tree_of_an_hdf5_file_is_shown(describe, hdf5):
    """Groups, datasets, shapes, types and fields are shown; links are named and not followed; a loop ends."""
    found = describe(hdf5, "posterior.h5")
    assert (found.kind, found.type, found.note) == ("tree", "HDF5 file", "")
    assert [(node.depth, node.name, node.detail) for node in found.tree] == [
        (0, "<img onerror=x>", "1, float64: 0.0"),
        (0, "C01:IMRPhenomXPHM", "group of 6"),
        (1, "loop", "group of 5"),
        (1, "nothing", "no data, float32"),
        (1, "posterior_samples", f"1,500, fields {', '.join(f'mass_{i}' for i in range(8))} and 2 more: {ROWS} …"),
        (1, "psd", "2 × 3, float32: 0.0 0.0 0.0 …"),
        (1, "scalar", "scalar, float64: 1.0"),
        (1, "version", "2, text or objects"),
        (0, "kind", "named type"),
        (0, "outside", "link to /x in /etc/passwd, not opened"),
        (0, "soft", "link to /nowhere"),
    ]


def test_a_user_block_before_hdf5_is_passed_over(tmp_path, describe):
    """An HDF5 file whose first 512 bytes are somebody else's is recognised."""
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["x"] = 1
    assert describe((tmp_path / "a.h5").read_bytes()).tree[0].name == "x"


def test_a_damaged_hdf5_file_is_described(describe, hdf5):
    """Of an HDF5 file that h5py can't read, type and size are shown, with h5py's reason."""
    for damaged in (hdf5[:100], hdf5[:8] + b"\xff" * 1000):
        found = describe(damaged, "posterior.h5")
        assert (found.kind, found.type) == ("other", "HDF5 file")
        assert found.note.startswith("h5py can't read it")


def test_hdf5_without_h5py_has_type_and_size(describe, hdf5, monkeypatch):
    """Where h5py isn't installed, an HDF5 file is named as one."""
    monkeypatch.setitem(sys.modules, "h5py", None)
    found = describe(hdf5, "posterior.h5")
    assert (found.kind, found.note) == ("other", "Its tree is shown where h5py is installed.")


def test_attributes_and_first_values(tmp_path, describe):
    """Attributes stand below what they belong to; of a dataset the first values of its first row are shown."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["analyst"] = "Jane\nDoe"
        file["x"] = np.arange(20).reshape(2, 10)
        file["x"].attrs["unit"] = "Hz"
        file["large"] = np.zeros(3, "V40000")
        file.create_dataset("chunks", (10**6,), "f8", chunks=(10**6,), fillvalue=1.0)
        file["text"] = ["a", "b"]
    found = describe((tmp_path / "a.h5").read_bytes())
    assert [(node.depth, node.name, node.detail) for node in found.tree] == [
        (0, "@analyst", "Jane Doe"),
        (0, "chunks", "1,000,000, float64"),
        (0, "large", "3, |V40000"),
        (0, "text", "2, text or objects"),
        (0, "x", "2 × 10, int64: 0 1 2 3 4 5 6 7 …"),
        (1, "@unit", "Hz"),
    ]


def test_values_elsewhere_are_not_read(tmp_path, describe):
    """Of a dataset that is kept in another file, or made of others, no value is read."""
    (tmp_path / "secret").write_bytes(bytes(range(80)))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("outside", (10,), "f8", external=[(str(tmp_path / "secret"), 0, 80)])
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "x", (10,))
        file.create_virtual_dataset("virtual", layout)
    found = describe((tmp_path / "a.h5").read_bytes())
    assert [node.detail for node in found.tree] == ["10, float64"] * 2
