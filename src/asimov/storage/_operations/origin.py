"""Where a result comes from: what can be known of that without guessing, as notes for its record."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asimov.storage._display.text import shown

_PATIENCE = 10.0
"""Seconds until git counts as not there."""


def made_by(packages: Iterable[str] = ()) -> dict[str, Any]:
    """Return what can be known of the code that runs, as ``meta`` for `Store.add_file`. Nothing is guessed.

    Parameters
    ----------
    packages : iterable of str
        The names of installed packages whose versions matter, as pip knows them.

    Returns
    -------
    dict
        ``python``, a version; ``packages``, their versions by name, if any were given; ``commit`` and ``dirty``, if the
        working folder is in a git repository that has a commit: whether a file that git knows was changed since;
        ``script`` and ``script_md5``, the name and the MD5 of the running script, or ``notebook``, the name of the
        notebook, if the server says it.

    Raises
    ------
    ValueError
        A package isn't installed.
    TypeError
        `packages` is no iterable of names.

    Examples
    --------
    >>> from asimov.storage import made_by
    >>> notes = made_by(["PyYAML"])
    >>> sorted(notes["packages"])
    ['PyYAML']
    """
    notes: dict[str, Any] = {"python": ".".join(map(str, sys.version_info[:3]))}
    versions = {name: _version(name) for name in _names(packages)}
    if versions:
        notes["packages"] = versions
    return notes | _commit() | _running()


def _names(packages: object) -> list[str]:
    names = list(packages) if isinstance(packages, Iterable) and not isinstance(packages, (str, bytes)) else [None]
    if not all(isinstance(name, str) for name in names):
        msg = f"packages={shown(packages)}: it takes the names of packages, such as ['numpy', 'bilby']."
        raise TypeError(msg)
    return names  # type: ignore[return-value]


def _version(name: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        msg = f"packages: no package {name!a} is installed here, as pip calls it. Leave it out, or mend the name."
        raise ValueError(msg) from None


def _commit() -> dict[str, Any]:
    """Return the commit of the working folder, and whether files were changed since; nothing outside of git."""
    commit = _git("rev-parse", "--verify", "HEAD")
    changes = None if commit is None else _git("status", "--porcelain", "--untracked-files=no")
    return {} if commit is None or changes is None else {"commit": commit, "dirty": bool(changes)}


def _git(*arguments: str) -> str | None:
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ("git", *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - of the user's own git
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, env=environment, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _running() -> dict[str, Any]:
    """Return the notebook, or the script and its MD5."""
    main = sys.modules.get("__main__")
    notebook = os.environ.get("JPY_SESSION_NAME") or getattr(main, "__vsc_ipynb_file__", None)
    if notebook and "ipykernel" in sys.modules:
        return {"notebook": Path(notebook).name}
    script = Path(getattr(main, "__file__", None) or "")
    try:
        content = script.read_bytes()
    except OSError:
        return {}
    import hashlib

    return {"script": script.name, "script_md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
