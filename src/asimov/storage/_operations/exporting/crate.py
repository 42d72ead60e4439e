"""The format "crate": an RO-Crate, version 1.1, whose metadata are JSON-LD (https://w3id.org/ro/crate/1.1)."""

from __future__ import annotations

import functools
import json
import mimetypes
from typing import Any, TypeAlias
from urllib.parse import quote
from uuid import UUID

from asimov.storage._model.record import Record
from asimov.storage._model.retraction import Retraction

from . import folder
from .exported import SOFTWARE, Exported, ExportedFile, note_text

Entity: TypeAlias = dict[str, Any]

METADATA = "ro-crate-metadata.json"
PREFIX = ""
RESERVED = (METADATA, *folder.RESERVED)
_KNOWN = {".h5": "application/x-hdf5", ".hdf5": "application/x-hdf5", ".fits": "application/fits"}
"""Types that Python's own table doesn't have, or not in every version."""
_PACKED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}
_NO_LICENSE = "No licence was given. Ask those who published this before you reuse the files."


def texts(exported: Exported) -> dict[str, bytes]:
    """Return the metadata, and what the format "folder" has, by their paths."""
    beside = folder.texts(exported, {METADATA: "the same as JSON-LD, for programs that read RO-Crate."})
    graph = [_descriptor(), _root(exported, beside), _fingerprint(exported), _license(exported)]
    graph += [_described(name, text) for name, text in beside.items()]
    graph += _context(exported)
    for file in exported.files:
        graph += _file(file, exported.retracted.get(file.record.uuid))
    crate = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return beside | {METADATA: json.dumps(crate, ensure_ascii=False, indent=1).encode() + b"\n"}


def _descriptor() -> Entity:
    conforms = {"@id": "https://w3id.org/ro/crate/1.1"}
    return {"@id": METADATA, "@type": "CreativeWork", "conformsTo": conforms, "about": {"@id": "./"}}


def _root(exported: Exported, beside: dict[str, bytes]) -> Entity:
    parts = [_id(file.path) for file in exported.files] + list(beside)
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": exported.title,
        "description": f"{exported.summary}, verified while they were copied by {SOFTWARE}.",
        "datePublished": exported.moment,
        "license": {"@id": _license(exported)["@id"]},
        "identifier": {"@id": "#fingerprint"},
        "hasPart": [{"@id": part} for part in parts],
    }


def _fingerprint(exported: Exported) -> Entity:
    return _property("#fingerprint", "fingerprint", exported.fingerprint) | {
        "description": "The SHA-256 of all records of the Store, as asimov-storage's Store.fingerprint() returns it."
    }


def _license(exported: Exported) -> Entity:
    given = exported.license
    is_address = given is not None and given.startswith(("https://", "http://"))
    return {
        "@id": given if is_address else "#license",
        "@type": "CreativeWork",
        "name": given or "No licence was given",
        "description": f"The licence of these files: {given}" if given else _NO_LICENSE,
    }


def _described(name: str, text: bytes) -> Entity:
    """Return the entity of one of the texts that the export writes."""
    meaning = folder.PARTS.get(name, "what this is, and how to check it.")
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "description": meaning,
        "contentSize": str(len(text)),
        "encodingFormat": "text/csv" if name.endswith(".csv") else "text/plain",
    }


def _context(exported: Exported) -> list[Entity]:
    """Return a property for each event and each production, which the files share."""
    names = {(kind, getattr(file.record, kind)): None for file in exported.files for kind in ("event", "production")}
    return [_property(_shared(kind, name), kind, name) for kind, name in names]


def _file(file: ExportedFile, retraction: Retraction | None) -> list[Entity]:
    """Return the entity of a file, and those of what else is known of it, for which RO-Crate 1.1 has no terms."""
    record = file.record
    own = [_property(f"#{name}/{record.uuid}", name, digest) for name, digest in _digests(file)]
    own += [_note(record, name, value) for name, value in record.meta.items()]
    for name, text in {} if retraction is None else _retraction(retraction).items():
        own.append(_property(f"#{name}/{record.uuid}", name, text))
    shared = [_shared("event", record.event), _shared("production", record.production)]
    entity: Entity = {
        "@id": _id(file.path),
        "@type": "File",
        "name": record.file,
        "identifier": UUID(record.uuid).urn,
        "contentSize": str(file.size),
        "additionalProperty": [{"@id": one} for one in (*shared, *(one["@id"] for one in own))],
    }
    encoding = media_type(record.file)
    return [entity if encoding is None else entity | {"encodingFormat": encoding}, *own]


def _note(record: Record, name: str, value: object) -> Entity:
    at = f"#meta/{record.uuid}/{quote(name, safe='')}"
    return _property(at, name, note_text(value)) | {"propertyID": f"meta/{name}"}


def _retraction(retraction: Retraction) -> dict[str, str]:
    said = {"retracted": retraction.reason or "yes"}
    return said | ({} if retraction.superseded_by is None else {"superseded_by": retraction.superseded_by})


def _digests(file: ExportedFile) -> list[tuple[str, str]]:
    known = {"md5": file.record.hash, "sha256": file.record.sha256}
    return [(name, digest) for name, digest in known.items() if digest is not None]


def _property(at: str, name: str, value: str) -> Entity:
    return {"@id": at, "@type": "PropertyValue", "propertyID": name, "name": name, "value": value}


def _shared(kind: str, name: str) -> str:
    return f"#{kind}/{quote(name, safe='')}"


def _id(path: str) -> str:
    """Return a path as the relative address that it is in JSON-LD."""
    return quote(path, safe="/")


def media_type(name: str) -> str | None:
    """Return the media type of a file by its suffix, whatever this computer's own tables say; None if unknown."""
    suffix = name[name.rfind(".") :].lower() if "." in name else ""
    found, packing = _types().guess_type(f"x{suffix}")
    return _PACKED.get(packing) if packing else _KNOWN.get(suffix, found)


@functools.cache
def _types() -> mimetypes.MimeTypes:
    return mimetypes.MimeTypes()
