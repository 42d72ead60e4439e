"""Run locutus as ``python -m asimov.storage``, which is always ours, whoever installed a `locutus` last."""

from __future__ import annotations

from .cli import main

main()
