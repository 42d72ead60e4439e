"""Further keys of records and manifests: read by their shapes where they are canonical, by PyYAML where they aren't."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from asimov.storage import ManifestError, Record, Store
from asimov.storage._format import canonical_reader, canonical_writer, further, reader, yaml_reader
from asimov.storage._format.retractions import with_retractions
from asimov.storage._model.retraction import Retraction

HASH, UUID = "a" * 32, "b{:031d}"
CANONICAL = {
    "a mapping": ("", "        meta:\n          analyst: Jane Doe\n          run: 17\n          snr: 12.25\n", ""),
    "a word": ("", "        note: yes\n", ""),
    "an empty list": ("", "        note: []\n", ""),
    "a list": ("", "        note:\n          - 1\n          - a text\n          -\n            a: {}\n", ""),
    "quoted": ("", "        note: 'it''s: a text'\n", ""),
    "escaped": ("", '        note: "a\\x0Ab"\n', ""),
    "before hash": ("        author: someone\n", "", ""),
    "after uuid": ("", "", "        zeta: 1\n"),
    "all around": ("        author: someone\n", "        note: long text\n", "        zeta:\n          a: 1\n"),
    "sha256": ("", f"        sha256: {'c1' * 32}\n        size: 12\n", ""),
    "sha256 and more": ("", f"        note: 1\n        sha256: {'1c' * 32}\n        size: 0\n", ""),
    "a SHA-256 that looks like a number": ("", f"        sha256: {'1' * 31}e{'1' * 32}\n        size: 1\n", ""),
    "an odd number": ("", "        note: 1_000\n", ""),
    "a time": ("", "        note: 2026-11-26 09:00:00\n", ""),
    "a tag": ("", "        note: !!binary 'aGVsbG8='\n", ""),
    "a long key": ("", f"        ? {'k' * 1200}\n        : a value\n", ""),
}
OTHERWISE = {
    "unsorted": ("", "        note: 1\n        meta: 2\n", ""),
    "out of place": ("        note: 1\n", "", ""),
    "unsorted below": ("", "        meta:\n          b: 1\n          a: 2\n", ""),
    "a short word": ("", "        note: y\n", ""),
    "a text in quotes that it needn't have": ("", "        note: 'text'\n", ""),
    "a text that YAML 1.2 takes for a number": ("", "        note: 1e5\n", ""),
    "two spaces": ("", "        note:  text\n", ""),
    "nothing but a space": ("", "        note: \n", ""),
    "nothing but a space below": ("", "        meta:\n          a: \n          b: 1\n", ""),
    "nothing but a space in a list": ("", "        note:\n          - \n          - 1\n", ""),
    "a comment": ("", "        note: text # more\n", ""),
    "flow style": ("", "        note: {a: 1}\n", ""),
    "deeply indented": ("", "        note:\n              a: 1\n", ""),
    "folded": ("", "        note: a text\n          that goes on\n", ""),
    "literal": ("", "        note: |\n          a text\n          key: value\n", ""),
    "digits for a SHA-256": ("", f"        sha256: {'1' * 64}\n", ""),
    "digits for a SHA-256, and a size": ("", f"        sha256: {'1' * 64}\n        size: 1\n", ""),
}
BROKEN = {
    "twice": ("", "        note: a text\n        note: a text\n", ""),
    "twice in all": ("        note: a text\n", "        note: a text\n", ""),
    "hash twice": ("", f"        hash: {HASH}\n", ""),
    "uuid twice": ("", "", "        uuid: x\n"),
    "open quotes": ("", '        note: "a text\n', ""),
    "an anchor": ("", "        note: &a text\n", ""),
    "a tag of its own": ("", "        note: !mine text\n", ""),
    "a tab": ("", "        note:\n        \ta: text\n", ""),
    "a control character": ("", "        note: \1\n", ""),
    "a control character for a value": ("", "        note:\1\n", ""),
    "NUL": ("", "        note: first text\n\0", ""),
    "too deep": ("", "        note: " + "[" * 60 + "]" * 60 + "\n", ""),
}


def manifest(*records: tuple[str, str, str]) -> bytes:
    """Write a manifest by hand, with these lines before hash, before uuid and at the end of each record."""
    lines = ["events:\n  E:\n    P:\n"]
    for number, (before, between, after) in enumerate(records):
        lines.append(
            f"      f{number:02}:\n{before}        hash: {HASH}\n{between}        uuid: {UUID.format(number)}\n{after}"
        )
    return "".join([*lines, "name: results\n"]).encode()


def values(data: bytes) -> list[dict]:
    """Read the further keys of each record with PyYAML."""
    files = yaml.safe_load(data)["events"]["E"]["P"]
    return [{k: v for k, v in record.items() if k not in {"hash", "uuid"}} for record in files.values()]


NONE = ("", "", "")
ALIKE = 10 * (("", "        meta:\n          analyst: Jane Doe\n          run: 1\n", ""),)


@pytest.mark.parametrize("others", [(), (NONE,), (NONE, ("", "        other: text that is long\n", ""))], ids=len)
@pytest.mark.parametrize("lines", CANONICAL.values(), ids=CANONICAL)
def test_canonical_lines_are_kept(lines, others):
    """A manifest with further keys in canonical form is read without its text being written anew."""
    data = manifest(lines, *others, lines)
    contents = canonical_reader.read(data)
    assert bytes(contents.text) == data == canonical_writer.whole(contents)
    assert [
        dict(r.further) | {n: v for n in ("sha256", "size") if (v := getattr(r, n)) is not None} for r in contents
    ] == (values(data))
    assert list(yaml_reader.parse_any(data, Path("m"))) == list(contents)


@pytest.mark.parametrize("lines", CANONICAL.values(), ids=CANONICAL)
def test_canonical_lines_after_others(lines):
    """So is one whose first record has a further key in the usual place, and another has one wherever it may be."""
    data = manifest(("", "        other: text that is long\n", ""), NONE, lines)
    assert bytes(canonical_reader.read(data).text) == data


@pytest.mark.parametrize("lines", (CANONICAL | OTHERWISE).values(), ids=CANONICAL | OTHERWISE)
def test_lines_after_many_that_are_alike(lines):
    """So is one whose first records are all alike, as a rule: another one is noticed among them."""
    data = manifest(*ALIKE, lines, *ALIKE, NONE)
    contents = canonical_reader.read(data)
    assert list(contents) == list(yaml_reader.parse_any(data, Path("m")))
    assert (bytes(canonical_writer.write(contents)) == data) == (lines in CANONICAL.values())
    assert bytes(canonical_reader.read(manifest(*ALIKE, NONE)).text) == manifest(*ALIKE, NONE)


@pytest.mark.parametrize("lines", OTHERWISE.values(), ids=OTHERWISE)
def test_other_lines_are_written_in_canonical_form(lines):
    """What is YAML, and not canonical, means the same when it is written."""
    data = manifest(NONE, lines, NONE)
    contents = reader.parse(data, Path("m"))
    written = bytes(canonical_writer.write(contents))
    assert written == canonical_writer.whole(yaml_reader.parse_any(data, Path("m"))) != data
    assert bytes(canonical_reader.read(written).text) == written
    if "1e5" not in lines[1] and "1" * 64 not in lines[1]:  # these are texts, which PyYAML knows only in quotes
        assert values(written) == values(data)


@pytest.mark.parametrize("lines", BROKEN.values(), ids=BROKEN)
def test_what_is_no_manifest_is_refused(lines):
    """Further keys that YAML, or the format, doesn't allow are refused, wherever they stand."""
    for data in (
        manifest(lines),
        manifest(NONE, lines),
        manifest(lines, ("", "        note: 1\n", "")),
        manifest(*ALIKE, lines),
    ):
        with pytest.raises(ManifestError):
            reader.parse(data, Path("m"))


@pytest.mark.parametrize(
    "top",
    ["comment: by hand\n", "meta:\n  a: 1\n", "retracted:\n  b1:\n    reason: a glitch\n", "zeta: !!set {a: null}\n"],
)
@pytest.mark.parametrize("records", [(), (NONE,), (("", "", "        zeta: 1\n"),)], ids=len)
def test_keys_at_the_top(top, records):
    """Further keys at the top, before the records or after them, are kept as they stand."""
    data = manifest(*records) if records else b"events: {}\nname: results\n"
    tree = yaml.safe_load(data) | yaml.safe_load(top)
    text = data.decode().replace("name: results\n", "")
    before, after = sorted([top, "name: results\n"])
    whole = top + text + "name: results\n" if top < "events" else text + before + after
    contents = reader.parse(whole.encode(), Path("m"))
    assert canonical_writer.whole(contents) == canonical_writer.whole(yaml_reader.parse_any(whole.encode(), Path("m")))
    assert yaml.safe_load(bytes(canonical_writer.write(contents))) == tree
    if "!!set" not in top:
        assert bytes(canonical_reader.read(whole.encode()).text).decode() == whole


@pytest.mark.parametrize("top", ["comment: \n", "retracted: \n", "a:\n  b: \n", "a:\n  - \n"])
@pytest.mark.parametrize("records", [(), (NONE,)], ids=len)
def test_keys_at_the_top_with_nothing_but_a_space(top, records):
    """A further key at the top whose value is only a space says null, wherever it stands."""
    data = manifest(*records).decode() if records else "events: {}\nname: results\n"
    for text in (top + data, data + top):
        contents = reader.parse(text.encode(), Path("m"))
        assert yaml.safe_load(bytes(canonical_writer.write(contents))) == yaml.safe_load(text)


def test_tagged_keys():
    """A key with a tag is called what it says, and one that is known loses the tag, for its text is what is known."""
    text = "!!int retracted:\n  ? !!int 'NO'\n  : {}\n!!str 'true': 1\n!!null 'NO': 2\nrequires: []\n"
    contents = reader.parse(f"events: {{}}\nname: results\n{text}".encode(), Path("m"))
    assert dict(further.items(contents.top, 0)) == {
        "NO": "!!null 'NO': 2\n",
        "requires": "requires: []\n",
        "retracted": "retracted:\n  !!int 'NO': {}\n",
        "true": "'true': 1\n",
    }
    again = reader.parse(bytes(canonical_writer.write(contents)), Path("m"))
    assert again.top == contents.top
    grown = with_retractions(contents, [Retraction(UUID.format(1), {"reason": "a glitch"})])
    assert list(dict(further.items(dict(further.items(grown.top, 0))["retracted"].partition("\n")[2], 2))) == [
        "NO",
        UUID.format(1),
    ]
    (record,) = reader.parse(manifest(("", "        !!int meta:\n          a: 1\n", "")), Path("m"))
    assert record.meta == {"a": 1}
    long = "k" * 1200
    assert [key for key, _ in further.items(f"? !!int '{long}'\n: 1\n", 0)] == [long]


def test_shapes_that_add_up_to_others():
    """Records whose lines, one after the other, look like those of others are looked at one by one."""
    one, two = "        note: first text\n", "        meta: other text\n"
    data = manifest(("", one, ""), ("", one + one, ""))
    with pytest.raises(ManifestError, match="repeated"):
        reader.parse(data, Path("m"))
    data = manifest(("", two + one, ""), ("", two, ""), ("", one + two + one, ""))
    with pytest.raises(ManifestError, match="repeated"):
        reader.parse(data, Path("m"))
    contents = canonical_reader.read(manifest(("", two, ""), ("", two + one, ""), NONE, ("", one, "")))
    assert [set(record.further) for record in contents] == [{"meta"}, {"meta", "note"}, set(), {"note"}]


def test_records_are_put_between_others(tmp_path):
    """An add into text whose records have further keys, also behind their uuids, leaves just them as they were."""
    store = Store.create(tmp_path / "store", "results")
    path = store.root / ".manifest" / "manifest.yaml"
    lines = CANONICAL["all around"]
    path.write_bytes(manifest(lines, NONE, lines))
    for number, name in enumerate(("f00a", "a", "z", "f01a")):
        source = tmp_path / str(number)
        source.write_text(name)
        store.add_file("E", "P", source, name)
        text = path.read_text().rpartition("#")[0].encode()
        assert text == canonical_writer.whole(yaml_reader.parse_any(text, Path("m")))
    assert {record.file: len(record.further) for record in store} == (
        {"a": 0, "f00": 3, "f00a": 0, "f01": 0, "f01a": 0, "f02": 3, "z": 0}
    )


def test_the_face_is_read_only():
    """What a record's further keys hold can't be set, and isn't part of what makes it equal to another."""
    record = Record.of(("E", "P", "f"), HASH, UUID.format(0), "        note: text\n")
    with pytest.raises(TypeError):
        record.further["note"] = "other"
    assert record == Record.of(("E", "P", "f"), HASH, UUID.format(0))
    assert "note" not in repr(record)


@pytest.mark.parametrize(
    "text",
    [
        "2026-02-30",
        "!!int 'x'",
        "!!binary 'not base 64'",
        "2026-13-01 00:00:00",
        "!!int ''",
        "!!float ''",
        "!!bool ''",
        "!!timestamp 'x'",
    ],
)
def test_values_that_are_not_what_they_claim(text):
    """A value that is no value of the type that YAML gives it is the text that stands there."""
    found = Record.of(("E", "P", "f"), HASH, UUID.format(0), f"        note: {text}\n").further["note"]
    assert found == text.rpartition("!!")[2].partition(" '")[2].rstrip("'") if "!!" in text else found == text


def test_floats_have_a_point():
    """Floats of an entry are floats to YAML 1.1, whatever their size."""
    floats = {f"n{index}": value for index, value in enumerate([1.0, -0.5, 1e300, 1e-7, 5e-324, float("inf")])}
    assert yaml.safe_load(further.of_values(floats)) == floats
