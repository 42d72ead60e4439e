"""The public surface of asimov.storage."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

import asimov
from asimov import storage

PUBLIC = [
    "AlreadyPresentException",
    "Check",
    "HashError",
    "InvalidNameError",
    "Manifest",
    "ManifestError",
    "NotAStoreError",
    "Record",
    "RecordExistsError",
    "RecordNotFoundError",
    "RestoreReport",
    "SourceChangedError",
    "StorageError",
    "Store",
    "StoreExistsError",
    "VerificationReport",
]


def test_all():
    """__all__ is sorted, without repetition, and holds what users import."""
    assert set(PUBLIC) <= set(storage.__all__)
    assert len(set(storage.__all__)) == len(storage.__all__)


def test_nothing_public_is_left_out():
    """What can be seen in the module without an underscore is in __all__, or is a module, or IPython's hook."""
    modules = {name for name in vars(storage) if f"asimov.storage.{name}" in sys.modules}
    ours = {name for name, item in vars(storage).items() if getattr(item, "__module__", "").startswith("asimov.")}
    seen = {name for name in ours if not name.startswith("_")} - modules
    assert seen - {"load_ipython_extension", "unload_ipython_extension", "annotations"} <= set(storage.__all__)


@pytest.mark.parametrize("name", PUBLIC)
def test_documented(name):
    """Every public name has a docstring of its own."""
    item = getattr(storage, name)
    assert item.__doc__
    assert not item.__doc__.startswith(f"{name}("), "only what dataclasses made"


def test_init_is_short():
    """__init__.py only hands names on: under 80 lines."""
    lines = Path(storage.__file__).read_text(encoding="utf-8").splitlines()
    assert len(lines) < 80


def test_version():
    """__version__ is that of the installed distribution."""
    assert storage.__version__ == importlib.metadata.version("asimov-storage")


def test_asimov_is_a_namespace():
    """There is no asimov/__init__.py: the name is shared with upstream."""
    assert getattr(asimov, "__file__", None) is None


def test_typed():
    """The package says that it is typed."""
    assert Path(storage.__file__).with_name("py.typed").is_file()
