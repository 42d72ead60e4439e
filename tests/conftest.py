"""Refuses to test the wrong `asimov.storage`, and hands on the fixtures of damage.py.

An editable install beside upstream `asimov` silently gives upstream's module: its regular package hides our part of the
namespace. A green run would then say nothing about this project, so the session ends before its first test.
"""

from __future__ import annotations

import importlib
import os
import sysconfig
from pathlib import Path

import pytest
from hypothesis import settings

#: Set by the nox sessions, which test the built wheel: `asimov.storage` has to come from there.
INSTALLED = "ASIMOV_STORAGE_TEST_INSTALLED"


def problem() -> str | None:
    """Say why the module that `import asimov.storage` gives is not the one to test, if so."""
    try:
        module = importlib.import_module("asimov.storage")
    except ImportError as exc:
        return f"asimov.storage can't be imported ({exc}). Run `nox -s tests`, which builds and installs the wheel."
    if not hasattr(module, "__path__"):
        return (
            f"asimov.storage is upstream asimov's module ({module.__file__}), not this project's package. An editable "
            "install beside upstream asimov gives that; install the wheel of this project instead."
        )
    place, site = Path(str(module.__file__)), Path(sysconfig.get_path("purelib"))
    if os.environ.get(INSTALLED) and not place.is_relative_to(site):
        return (
            f"asimov.storage comes from {place}, not from the wheel in {site}. Unset PYTHONPATH, or unset {INSTALLED}."
        )
    return None


PROBLEM = problem()
pytest_plugins = [] if PROBLEM else ["damage"]


def pytest_configure() -> None:
    """End the session where it would test the wrong thing."""
    if PROBLEM:
        raise pytest.UsageError(PROBLEM)


# On a busy machine an example may take any time: a hang is what pytest-timeout is for.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")
