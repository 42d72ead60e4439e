"""Further keys of a record, as values: what its lines of YAML mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def values(lines: str) -> dict[str, Any]:
    """Read the lines of a mapping as YAML 1.1, with no types but YAML's own. Keys are texts.

    A value that looks like a type and is no valid one (the date 2026-02-30) is returned as its text.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(lines)
    try:
        node = loader.get_single_node()
        return {} if node is None else {key.value: _value(loader, value) for key, value in node.value}
    finally:
        loader.dispose()


def notes(lines: str) -> Mapping[str, Any]:
    """Return the notes among the lines of a record: the mapping under the key ``meta``; empty if there is none."""
    found = values(lines).get("meta") if "        meta:" in lines else None
    return found if isinstance(found, dict) else {}


def _value(loader: Any, node: Any) -> Any:
    import yaml

    try:
        return loader.construct_document(node)
    except (yaml.YAMLError, ValueError, OverflowError, TypeError, LookupError, AttributeError):  # such as !!bool ''
        return yaml.BaseLoader("").construct_document(node)
