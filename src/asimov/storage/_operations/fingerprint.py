"""Fingerprints: one line that pins every record of a Store."""

from __future__ import annotations

from asimov.storage._format import canonical_writer
from asimov.storage._model.snapshot import Contents


def fingerprint(contents: Contents) -> str:
    """Return the SHA-256 of the canonical manifest: 64 lower-case hexadecimal digits."""
    import hashlib

    digest = hashlib.sha256()
    for piece in canonical_writer.write(contents):
        digest.update(piece)
    return digest.hexdigest()


def problems(expected: str | None, actual: str | None) -> tuple[str, ...]:
    """Return in words what is wrong with the fingerprint `actual`; an empty tuple if it is the expected one."""
    if expected == actual:
        return ()
    msg = (
        f"The Store's fingerprint is {actual}, and {expected} was given: since then records were added, removed or "
        "changed. Compare the manifest with a copy from that time."
    )
    return (msg,)
