"""Run locutus as ``python -m asimov.storage``, even if another package has installed a program `locutus`."""

from __future__ import annotations

from .cli import main

main()
