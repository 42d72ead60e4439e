"""The notes of records as texts, read without a parser."""

from __future__ import annotations

import json

import pytest
from faults.spelling import texts
from hypothesis import given, settings
from hypothesis import strategies as st

from asimov.storage._format import further, notes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | texts(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(texts().filter(bool), below, max_size=3),
    max_leaves=6,
)


def spelled(value: object) -> str:
    """Spell a value as one text. Its keys are sorted in the manifest."""
    if isinstance(value, dict) and value:
        return ", ".join(f"{key}: {spelled(value[key])}" for key in sorted(value))
    if isinstance(value, list) and value:
        return ", ".join(map(spelled, value))
    return {None: "null", "": "''"}.get(value, str(value)) if isinstance(value, str | None) else json.dumps(value)


@settings(derandomize=True, deadline=None)
@given(st.dictionaries(texts().filter(bool), VALUES, min_size=1, max_size=4))
def test_the_fast_reader_reads_what_yaml_says(meta):
    """Whatever the notes are, they become the texts that their values are."""
    lines = further.of_values({"alpha": 1, "meta": meta, "zeta": {"a": 1}})
    assert notes.texts(lines) == {
        key: spelled(value) if value not in (None, "", [], {}) else "" for key, value in meta.items()
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Jane Doe", "Jane Doe"),
        ("it's: a", "it's: a"),
        (None, ""),
        (True, "true"),
        (12.25, "12.25"),
        ([1, "two", [3]], "1, two, 3"),
        (["None", "True", None, True], "None, True, null, true"),
        ({"numpy": "2.4", "x": [1, {"a": None}]}, "numpy: 2.4, x: 1, a: null"),
        ({}, ""),
        ([{}, [], ""], "{}, [], ''"),
    ],
)
def test_texts(value, text):
    """A value is one text."""
    assert notes.texts(further.of_values({"meta": {"key": value, "k" * 1200: 1}}))["key"] == text
    assert notes.texts(further.of_values({"meta": {"key": value}})) == {"key": text}


@pytest.mark.parametrize(
    "lines", ["", "        note: 1\n", "        meta: {}\n", "        meta: a text\n", "        sha256: a\n"]
)
def test_no_notes(lines):
    """A record without a mapping under ``meta`` has none."""
    assert notes.texts(lines) == {}


@pytest.mark.parametrize("inner", ["          b: 2\n          a: 'x'\n", "          a: {b: 1}\n          c:   d\n"])
def test_notes_of_another_writer(inner):
    """Notes that aren't canonical are read as YAML is, as far as they can be."""
    assert notes.texts(f"        meta:\n{inner}").keys() >= {"a"}
