"""JSON, indented as it is spelled."""

from __future__ import annotations

import json

import pytest

from asimov.storage.widgets._preview import description
from asimov.storage.widgets._preview.description import LIMIT

EXPECTED_JSON = r"""{
  "a": [1.10, 2e400,
    {
      "b": []
    }
  ],
  "a": "<b>\u202e\n",
  "c": {}
}"""


def test_json_is_indented_with_numbers_as_they_are_spelled(describe):
    """JSON is indented; numbers keep their digits, repeated keys stay, and strings stay escaped."""
    found = describe(r'{"a":[1.10,2e400,{"b":[]}],"a":"<b>\u202e\n","c":{}}', "posterior.json")
    assert (found.kind, found.type, found.note) == ("json", "JSON", "")
    assert found.text == EXPECTED_JSON


def test_json_of_more_than_a_megabyte_is_indented_as_far_as_it_goes(describe):
    """The beginning of a large JSON file is shown as JSON, and the note says that it's the beginning."""
    content = json.dumps({"posterior": {f"parameter_{i}": list(range(2000)) for i in range(100)}})
    assert len(content) > LIMIT
    found = describe(content, "result.json")
    assert (found.kind, found.note) == ("json", "Only the beginning is shown.")
    assert found.text.startswith('{\n  "posterior": {\n    "parameter_0": [0, 1, 2, ')
    assert max(map(len, found.text.split("\n"))) < 120


@pytest.mark.parametrize("content", ['{"a": 1,}', "{nonsense}", '{"a": 1} trailing', "[" * 100_000, "[1, 2", "nothing"])
def test_what_is_not_json_is_text(describe, content):
    """A file whose name or beginning looks like JSON, and that is none, is shown as text."""
    assert describe(content, "broken.json").kind == "text"


def test_deep_json_does_not_grow(describe):
    """JSON that is nested deep and cut at the limit stays as small as any other preview."""
    found = describe('{"a":' * 400_000, "deep.json")
    assert len(found.text) <= description.CHARACTERS + 2
