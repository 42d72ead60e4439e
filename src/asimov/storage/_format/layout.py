"""Layout: what the files of a Store are called."""

from __future__ import annotations

HOME = ".manifest"
MANIFEST = "manifest.yaml"
BACKUP = "manifest.yaml.bak"
FOLDED = "manifest.yaml.new"
"""The entries that `MANIFEST` holds and `BACKUP` does not: with these two it is rebuilt. Then what `lookup` says."""
RECENT, TEMPORARY, INCOMING = "recent", "tmp", "incoming"
KEPT = 32
"""How many folded entries are kept: a manifest that lags behind by no more still makes up the state."""
