"""README.txt: one page that says what an export is, of which Store, and how to check it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import fill

from .exported import SOFTWARE, Exported


def text(exported: Exported, parts: Mapping[str, str], checks: Iterable[str]) -> bytes:
    """Return the page: `parts` says what each file is for, and `checks` are lines for a shell."""
    paragraphs = [
        "WHAT THIS IS",
        fill(f"{exported.summary}, exported by {SOFTWARE} at {exported.moment}. Each file was verified meanwhile."),
        *([fill(exported.withdrawn)] if exported.withdrawn else []),
        fill(f"Licence: {exported.license or 'none was given; ask those who published this'}."),
        f"The Store's fingerprint, the SHA-256 of all its records, is\n\n    {exported.fingerprint}",
        fill(
            "A fingerprint that was published elsewhere, in a paper for example, says of which state of the Store "
            "these files are."
        ),
        "WHAT IS IN IT",
        *(fill(f"{name}: {meaning}", subsequent_indent="    ") for name, meaning in parts.items()),
        "HOW TO CHECK IT",
        "No special software is needed. In a shell, in this folder:\n\n" + "\n".join(f"    {line}" for line in checks),
        fill("A file that was changed or lost since is reported as FAILED."),
    ]
    return ("\n\n".join(paragraphs) + "\n").encode()
