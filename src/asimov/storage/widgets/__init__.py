"""Widgets over a Store: Uploader, Fetcher, Verifier, Explorer.

A widget is imported when it is first used. Only then are ipywidgets and anywidget imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._explorer import Explorer
    from ._fetcher import Fetcher
    from ._uploader import Uploader
    from ._verifier import Verifier

__all__ = ["Explorer", "Fetcher", "Uploader", "Verifier"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"._{name.lower()}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
