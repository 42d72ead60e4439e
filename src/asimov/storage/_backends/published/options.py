"""Options: how to talk to a web server. None of them is a secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from asimov.storage._display.text import shown


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to talk to a web server.

    Attributes
    ----------
    timeout : float
        How many seconds to wait for the next bytes of an answer.
    connect_timeout : float
        How many seconds to wait for a connection.
    retries : int
        How often a request is repeated that the network, or a server that is too busy, has failed.
    ca_file : str or None
        A file with the certificates of the authorities to trust, instead of those of the system.
    concurrency : int
        How many requests are under way at a time, at the most.
    """

    timeout: float = 30.0
    connect_timeout: float = 5.0
    retries: int = 6
    ca_file: str | None = None
    concurrency: int = 4

    @property
    def given(self) -> dict[str, object]:
        """Those that are not as by default."""
        default = Options()
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: value for name, value in pairs if value != getattr(default, name)}


def checked(options: object) -> Options:
    """Return the options of a mapping; of None, the default ones.

    Raises
    ------
    TypeError
        It is no mapping, or holds an unknown option or a value of the wrong type.
    ValueError
        A number is too small.
    """
    if options is None:
        return Options()
    if not isinstance(options, Mapping):
        msg = f"options={shown(options)}: it takes a dict, such as {{'timeout': 60}}."
        raise TypeError(msg)
    known = {field.name for field in fields(Options)}
    for name in options:
        if name not in known:
            msg = f"options has {shown(name)}, which is no option of a Store on the web: {', '.join(sorted(known))}."
            raise TypeError(msg)
    return Options(**{name: _value(name, value) for name, value in options.items()})


def _value(name: str, value: Any) -> Any:
    if name == "ca_file":
        if value is None or isinstance(value, (str, os.PathLike)):
            return None if value is None else os.fspath(value)
        msg = f"The option ca_file={shown(value)}: it takes the path of a file."
        raise TypeError(msg)
    whole = name in {"retries", "concurrency"}
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        msg = f"The option {name}={shown(value)}: it takes {'a whole number' if whole else 'seconds'}."
        raise TypeError(msg)
    least = {"retries": 0, "concurrency": 1}.get(name, 0.001)
    if not value >= least:
        msg = f"The option {name}={shown(value)}: it is at least {least}."
        raise ValueError(msg)
    return value
