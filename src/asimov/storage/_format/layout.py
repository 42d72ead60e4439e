"""Layout: the names of the files of a Store."""

from __future__ import annotations

HOME = ".manifest"
MANIFEST = "manifest.yaml"
BACKUP = "manifest.yaml.bak"
FOLDED = "manifest.yaml.new"
"""The entries that `MANIFEST` holds and `BACKUP` does not: this file and `BACKUP` are enough to rebuild `MANIFEST`.
The lines of `lookup` follow at its end."""
RECENT, TEMPORARY, INCOMING = "recent", "tmp", "incoming"
KEPT = 32
"""How many folded entries are kept. A reader that sees a manifest that many entries old still finds all later ones."""
