"""Manifests as text: any YAML 1.1 in, canonical YAML out."""

from __future__ import annotations

import datetime
import json
import re
import tempfile
import unicodedata
from pathlib import Path

import pytest
import yaml
from damage import keys, manifest_of, md5, record_text, records_text
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asimov.storage import ManifestError, Store

TRAPS = [
    *("no", "No", "NO", "n", "N", "yes", "y", "Y", "on", "off", "true", "False", "null", "Null", "~", "<<", "="),
    *("1e5", "1E5", "1.5e+3", "0x1F", "0o17", "017", "0b1", "1_000", "+1", "-1", ".5", "1.", "190:20:30", "1:30.5"),
    *(".inf", "-.INF", ".nan", "2020-01-01", "2020-01-01 10:00:00", "2001-12-14t21:59:43.10-05:00", "00000", "08"),
    *("'", '"', "''", '""', "a'b", 'a"b', " a", "a ", " ", "a: b", "a:", ":", ":a", "a #b", "#a", "#", "a#b"),
    *("-", "- a", "-a", "--", "---", "...", "--- a", "?", "? a", "!", "!a", "!!str", "&a", "*a", "@a", "`a", "%a", "%"),
    *("|", ">", "[a]", "{a: b}", "{}", "[]", ",", "a, b", "[", "]", "{", "}", "\u2028", "\u2029a", "a\u2028 b"),
    *("\u00a0", "\ufeff", "\ufeffa", "a\ufeff", "\ufffe", "\uffff", "\ue000", "\U000fffff", "\u200b", "\u202e"),
    *("é", "漢字", "🌊", "e\u0301", "²", "ª", "٣", "０１", "\u0301a", "a\u0301", "\u3000", "a\u3000b", "İ", "ß"),
    *("x" * 129, "a " * 100 + "b", "word " * 30 + ":", "é" * 127, "events", "name", "hash", "uuid"),
]
KINDS = ("event", "production", "file")
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
UUID = "f9f167bee8e3449aa0c68bf7f91e7b7a"
ONE = {"events": {"S1": {"Prod0": {"f": {"hash": EMPTY, "uuid": UUID}}}}, "name": "n"}


def legal(kind):
    """Draw any name that a Store takes, YAML's traps among them."""
    letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\")
    names = st.one_of(st.sampled_from(TRAPS), st.text(letters, min_size=1, max_size=12), st.text(letters, min_size=1))
    fits = names.filter(lambda name: len(name.encode()) <= 255 and name not in {".", ".."})
    return fits.filter(lambda name: not name.lower().startswith(".manifest")) if kind == "event" else fits


def trees(max_size=2):
    """Draw the names in a Store: event -> production -> file -> bytes."""
    files = st.dictionaries(legal("file"), st.just(None), min_size=1, max_size=max_size)
    productions = st.dictionaries(legal("production"), files, min_size=1, max_size=max_size)
    return st.dictionaries(legal("event"), productions, min_size=1, max_size=max_size)


def places(tree):
    """List the keys in a tree, in order."""
    return sorted((e, p, f) for e, productions in tree.items() for p, files in productions.items() for f in files)


def numbered(tree):
    """Give each file in a tree a digest and a uuid, as a manifest does."""
    filled = {e: {p: {} for p in productions} for e, productions in tree.items()}
    for number, (event, production, file) in enumerate(places(tree)):
        filled[event][production][file] = {"hash": md5(b"%d" % number), "uuid": f"{number:032x}"}
    return filled


def store_around(root, text):
    """Open a Store around a manifest's text."""
    (root / ".manifest").mkdir(parents=True)
    (root / ".manifest" / "manifest.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return Store(root)


QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)


@given(tree=trees(), name=legal("file"))
@example(tree={trap: {trap: {trap: None}} for trap in TRAPS}, name="no")
@QUICK
def test_any_legal_names_round_trip(tree, name):
    """Whatever legal names are stored, yaml.safe_load and a Store opened later see those very strings and nothing
    else.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = Store.create(root / "store", name)
        batch = []
        for number, place in enumerate(places(tree)):
            source = root / str(number)
            source.write_bytes(b"%d" % number)
            batch.append((*place[:2], source, place[2]))
        added = store.add_files(batch)
        again = Store(store.root)
        loaded = yaml.safe_load(manifest_of(store).read_bytes())
        found = {(e, p, f): r for e, ps in loaded["events"].items() for p, fs in ps.items() for f, r in fs.items()}
        assert set(loaded) == {"events", "name"}
        assert loaded["name"] == again.name == name
        assert keys(store) == keys(again) == sorted(found) == places(tree)
        assert [{**dict(zip(KINDS, key, strict=True)), **found[key]} for key in places(tree)] == added
        assert again.fingerprint() == store.fingerprint()


@given(
    tree=trees(),
    style=st.sampled_from(["block", "flow", "json", "comment", "wide", "crlf", "explicit", "quoted", "unsorted"]),
)
@QUICK
def test_every_spelling_reads_alike(tree, style):
    """A manifest in another style of YAML is read as the canonical one is: same Records, same fingerprint."""
    data = {"events": numbered(tree), "name": "n"}
    block = {"default_flow_style": False, "allow_unicode": True}
    canonical = yaml.safe_dump(data, **block)
    text = {
        "block": canonical,
        "flow": yaml.safe_dump(data, default_flow_style=True),
        "json": re.sub("[\u0080-\uffff]", lambda c: f"\\u{ord(c[0]):04x}", json.dumps(data, ensure_ascii=False)),
        "comment": f"# by hand\n{canonical}# the end\n",
        "wide": yaml.safe_dump(data, indent=7, width=30, **block),
        "crlf": yaml.safe_dump(data, line_break="\r\n", **block),
        "explicit": yaml.safe_dump(data, explicit_start=True, explicit_end=True, version=(1, 1), **block),
        "quoted": yaml.safe_dump(data, default_style='"'),
        "unsorted": yaml.safe_dump({"name": "n", "events": data["events"]}, sort_keys=False, **block),
    }[style]
    with tempfile.TemporaryDirectory() as folder:
        one = store_around(Path(folder) / "one", canonical)
        other = store_around(Path(folder) / "other", text)
        assert keys(one) == keys(other) == places(tree)
        assert sorted(one, key=lambda r: r.key) == sorted(other, key=lambda r: r.key)
        assert one.fingerprint() == other.fingerprint()


SCRAPS = [
    *" \n:#'\"-?,[]{}|>%@`~\\=\t\r/0aF\u2028\x85",
    *("  ", ": ", " #", "''", "- ", "&a ", "*a", "!!str ", "<<", "no", "1e5", "---\n", "...\n"),
]


def reading(root, text):
    """Say what a Store makes of a manifest's text: all that it reads, or that it is refused."""
    try:
        store = store_around(root, text)
    except ManifestError:
        return None
    return (
        store.name,
        sorted(record.key for record in store),
        {(r.key, r.hash, r.uuid) for r in store},
        store.fingerprint(),
    )


@given(data=st.data(), tree=trees(), name=legal("file"))
@settings(QUICK, max_examples=80)
def test_damaged_text_reads_alike(data, tree, name):
    """Canonical text that was edited is read, or refused, just as it is below a comment, where it is not canonical."""
    with tempfile.TemporaryDirectory() as folder:
        store = store_around(
            Path(folder) / "whole", yaml.safe_dump({"events": numbered(tree), "name": name}, allow_unicode=True)
        )
        with store.new_file("S1", "Prod0", "f") as new:
            new.write(b"rewritten")
        text = manifest_of(store).read_text("utf-8")
        for _ in range(data.draw(st.integers(1, 3), "edits")):
            start = data.draw(st.integers(0, len(text)), "at")
            end = start + data.draw(st.integers(0, 3), "instead of")
            text = text[:start] + data.draw(st.sampled_from(SCRAPS), "scrap") + text[end:]
        edited = text.encode()
        assert reading(Path(folder) / "plain", edited) == reading(Path(folder) / "below", b"# by hand\n" + edited)


@pytest.mark.parametrize("kind", [0, 1, 2], ids=["event", "production", "file"])
@pytest.mark.parametrize(
    "spelled",
    [
        "no",
        "Yes",
        "on",
        "~",
        "null",
        "1e5",
        "0x1F",
        "017",
        "1_000",
        "2020-01-01",
        "190:20:30",
        "<<",
        "=",
        ".inf",
        "漢字",
        "1.0",
    ],
)
def test_unquoted_names_come_back_as_spelled(hand_written, source, kind, spelled):
    """A name that was written by hand without quotes is the text that is spelled, and stays it when the manifest is
    rewritten.
    """
    place = ["S1", "Prod0", "f"]
    place[kind] = spelled
    event, production, file = place
    store = Store(hand_written(f"name: n\nevents:\n  {event}:\n    {production}:\n      {file}: {record_text()}\n"))
    assert keys(store) == [tuple(place)]
    store.add_file("other", "Prod0", source())
    assert keys(Store(store.root)) == sorted([tuple(place), ("other", "Prod0", "result.txt")])
    assert yaml.safe_load(manifest_of(store).read_bytes())["events"][event][production][file]["uuid"] == UUID


@pytest.mark.parametrize("spelled", ["no", "2020-01-01", "1e5", "~", "12", '"no"', "'Store''s name'", "Store's name"])
def test_the_name_of_a_store_is_as_spelled(hand_written, source, spelled):
    """The Store's own name is read as text too, and written so that it stays it."""
    expected = yaml.load(spelled, Loader=yaml.BaseLoader)
    store = Store(hand_written(f"name: {spelled}\nevents: {{}}\n"))
    store.add_file("S1", "Prod0", source())
    assert store.name == Store(store.root).name == expected
    assert yaml.safe_load(manifest_of(store).read_bytes())["name"] == expected


@pytest.mark.parametrize(
    "shape",
    [
        "events:\n  S1:\n    Prod0:\n      f:\n        hash: D\n        uuid: D\nname: Test\n",
        "{name: Test, events: {S1: {Prod0: {f: {hash: D, uuid: D}}}}}",
    ],
    ids=["canonical", "flow"],
)
@pytest.mark.parametrize(
    "digits", ["0" * 32, "1" * 32, "12345678901234567890123456789e12", "1e" + "0" * 30, "0b" + "10" * 15]
)
def test_digits_stay_text(hand_written, source, digits, shape):
    """Hashes and uuids that look like numbers are read as spelled and written so that every reader sees text."""
    store = Store(hand_written(shape.replace("D", digits)))
    store.add_file("S2", "Prod0", source())
    record = Store(store.root)["S1", "Prod0", "f"]
    loaded = yaml.safe_load(manifest_of(store).read_bytes())["events"]["S1"]["Prod0"]["f"]
    assert (record.hash, record.uuid) == (digits, digits)
    assert loaded == {"hash": digits, "uuid": digits}


def test_quoted_in_one_place_only(hand_written, source):
    """A name that stands quoted in one place and plain in another is written quoted in both."""
    text = f"events:\n  a:\n    no:\n      'no':\n        hash: {EMPTY}\n        uuid: {UUID}\nname: Test\n"
    store, other = Store(hand_written(text)), Store(hand_written(f"# by hand\n{text}", "other"))
    assert store.fingerprint() == other.fingerprint()
    store.add_file("b", "Prod0", source())
    assert yaml.safe_load(manifest_of(store).read_bytes())["events"]["a"] == {
        "no": {"no": {"hash": EMPTY, "uuid": UUID}}
    }


def test_upper_case_hex(hand_written, source):
    """Digests in upper case are read, and written lower."""
    store = Store(
        hand_written(f"name: n\nevents: {{S1: {{Prod0: {{f: {record_text(EMPTY.upper(), UUID.upper())}}}}}}}\n")
    )
    assert (store["S1", "Prod0", "f"].hash, store["S1", "Prod0", "f"].uuid) == (EMPTY, UUID)
    store.add_file("S2", "Prod0", source())
    assert yaml.safe_load(manifest_of(store).read_bytes())["events"]["S1"] == ONE["events"]["S1"]


HEAD = "events:\n  S1:\n    Prod0:\n      f:\n"
#: One content, in which the name `n` and nothing else needs quotes, in many spellings. H and U stand for the digests.
FORMS = {
    "indented as in SEED.txt": HEAD.replace("  ", "   ") + "            hash: H\n            uuid: U\nname: n\n",
    "one space": "events:\n S1:\n  Prod0:\n   f:\n    hash: H\n    uuid: U\nname: n\n",
    "uuid first": "name: n\nevents:\n  S1:\n    Prod0:\n      f:\n        uuid: U\n        hash: H\n",
    "flow": "{name: n, events: {S1: {Prod0: {f: {hash: H, uuid: U}}}}}",
    "JSON": '{"name": "n", "events": {"S1": {"Prod0": {"f": {"hash": "H", "uuid": "U"}}}}}',
    "JSON without spaces": '{"name":"n","events":{"S1":{"Prod0":{"f":{"hash":"H","uuid":"U"}}}}}',
    "comments": HEAD.replace("\n", " # c\n # c\n") + "        hash: H # c\n\n        uuid: U\nname: n # c\n# c",
    "explicit keys": "? name\n: n\n? events\n: ? S1\n  : ? Prod0\n    : f: {hash: H, uuid: U}\n",
    "directive and markers": "%YAML 1.1\n---\nname: n\nevents: {S1: {Prod0: {f: {hash: H, uuid: U}}}}\n...\n",
    "start marker": "---\nname: n\nevents: {S1: {Prod0: {f: {hash: H, uuid: U}}}}\n",
    "CRLF": "name: n\r\nevents:\r\n  S1:\r\n    Prod0:\r\n      f: {hash: H, uuid: U}\r\n",
    "CR": "name: n\revents:\r  S1:\r    Prod0:\r      f: {hash: H, uuid: U}\r",
    "byte order mark": "\ufeffname: n\nevents: {S1: {Prod0: {f: {hash: H, uuid: U}}}}\n",
    "no last line end": "name: n\nevents:\n  S1:\n    Prod0:\n      f: {hash: H, uuid: U}",
    "quoted": "'name': \"n\"\n'events':\n  'S1':\n    \"Prod0\":\n      'f': {'hash': 'H', \"uuid\": \"U\"}\n",
    "escapes": '"\\x6eame": n\n"\\u0065vents":\n  "\\U00000053\\x31":\n    Prod0:\n      f: {hash: H, uuid: U}\n',
    "blanks at line ends": "name: n \nevents:\t\n  S1:  \n    Prod0:\n      f:\t{hash: H, uuid: U}\t\n",
    "next lines": HEAD + "        hash:\n          H\n        uuid:\n          U\nname:\n  n\n",
    "block scalars": HEAD + "        hash: >-\n          H\n        uuid: |-\n          U\nname: |-\n  n\n",
    "standard tags": "!!map\nname: !!str n\nevents:\n  !!str S1:\n    Prod0: !!map\n      f: {hash: H, uuid: U}\n",
    "canonical but for the name": "events:\n  S1:\n    Prod0:\n      f:\n        hash: H\n        uuid: U\nname: n\n",
    "canonical but for a comment": HEAD + "        hash: H\n        uuid: U\nname: 'n'\n#\n",
    "canonical but for quotes": HEAD.replace("f", "'f'") + "        hash: 'H'\n        uuid: U\nname: 'n'\n",
    "canonical": "events:\n  S1:\n    Prod0:\n      f:\n        hash: H\n        uuid: U\nname: 'n'\n",
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_any_yaml_in_that_hierarchy(hand_written, source, text):
    """Any YAML 1.1 that says the same is read the same, and is canonical once it has been rewritten."""
    store = Store(hand_written(re.sub(r"\b[HU]\b", lambda m: {"H": EMPTY, "U": UUID}[m[0]], text)))
    assert store.name == "n"
    assert keys(store) == [("S1", "Prod0", "f")]
    assert (store["S1", "Prod0", "f"].hash, store["S1", "Prod0", "f"].uuid) == (EMPTY, UUID)
    added = store.add_file("S2", "Prod0", source())
    assert manifest_of(store).read_text("utf-8").replace("'" + added["uuid"] + "'", added["uuid"]).splitlines() == [
        *("events:", "  S1:", "    Prod0:", "      f:", f"        hash: {EMPTY}", f"        uuid: {UUID}"),
        *(
            "  S2:",
            "    Prod0:",
            "      result.txt:",
            f"        hash: {added['hash']}",
            f"        uuid: {added['uuid']}",
        ),
        "name: 'n'",
        "# entries folded: 1",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name: n\nevents:\n",
        "name: n\nevents: {}\n",
        "name: n\nevents: ~\n",
        "name: n\nevents: null\n",
        "name: n\nevents:\n  S1:\n  S2: {}\n  S3: ~\n",
        "name: n\nevents:\n  S1:\n    Prod0:\n    Prod1: {}\n    Prod2: null\n",
    ],
)
def test_empty_values(hand_written, source, text):
    """An empty value for events, an event or a production is an empty mapping, which can be added to."""
    store = Store(hand_written(text))
    assert (len(store), store.verify().ok) == (0, True)
    store.add_file("S1", "Prod0", source())
    assert keys(Store(store.root)) == [("S1", "Prod0", "result.txt")]


def test_canonical_text(store, source):
    """A written manifest is block style, indented by two, its keys sorted by code point, one line end at its end."""
    for event, production, name in [("S2", "b", "z"), ("S2", "B", "a"), ("S1", "é", "x"), ("S1", "no", "w")]:
        store.add_file(event, production, source(content=f"{event}{production}{name}".encode()), name)
    data = yaml.safe_load(manifest_of(store).read_bytes())
    text = records_text(store).decode()
    shape = [line.partition(": ")[0].rstrip(":").replace("'", "").replace('"', "") for line in text.splitlines()]
    assert shape == [
        "events",
        *(
            "  S1",
            "    no",
            "      w",
            "        hash",
            "        uuid",
            "    é",
            "      x",
            "        hash",
            "        uuid",
        ),
        *(
            "  S2",
            "    B",
            "      a",
            "        hash",
            "        uuid",
            "    b",
            "      z",
            "        hash",
            "        uuid",
        ),
        "name",
    ]
    assert text.endswith("name: Test Store\n")
    assert text == yaml.safe_dump(data, allow_unicode=True, default_flow_style=False)


TOP = """\
count: 3
flag: yes
ratio: 1.5
nothing: ~
day: 2020-01-01
moment: 2020-01-01 10:00:00
zoned: 2001-12-14t21:59:43.10-05:00
list: [a, 1, ~, no, {deep: [1.0]}]
mapping: {a: {b: 1}, 1: one, no: off}
no: of a name that is no text
1: another
2020-01-02: a third
'yes': text
looks like a number: '007'
looks like a bool: "no"
looks like nothing: ''
binary: !!binary aGVsbG8A/w==
big: 123456789012345678901234567890
infinite: -.inf
text: |
  two
  lines

folded: "a b  c\\td\\x07\\u2028"
set: !!set {a, b}
"""


def test_further_keys_keep_their_types(hand_written, source):
    """Further keys, at the top and in records, come back from yaml.safe_load as they were when the manifest is
    rewritten.
    """
    further = "".join(f"        {line}\n" for line in TOP.splitlines())
    text = f"name: n\n{TOP}events:\n  S1:\n    Prod0:\n      f:\n        hash: {EMPTY}\n        uuid: {UUID}\n{further}"
    before = yaml.safe_load(text)
    store = Store(hand_written(text))
    store.add_file("S2", "Prod0", source())
    Store(store.root).add_file("S2", "Prod1", source("g", b"more"))
    after = yaml.safe_load(manifest_of(store).read_bytes())
    record, rewritten = before["events"]["S1"]["Prod0"]["f"], after["events"]["S1"]["Prod0"]["f"]
    assert isinstance(record["day"], datetime.date)
    assert {False, 1, datetime.date(2020, 1, 2), "yes"} <= set(record)
    assert rewritten == record
    assert {key: value for key, value in after.items() if key != "events"} == {
        key: value for key, value in before.items() if key != "events"
    }
    for key, value in record.items():
        assert type(rewritten[key]) is type(value), key


@pytest.mark.parametrize("value", ["v", "{a: 1}", "[1, 2]", "{}", "!!set {a}"])
def test_long_further_keys(hand_written, source, value):
    """A further key that is too long to stand before its colon on one line is kept in a Store that can be opened."""
    escaped = "\\u2028" * 200
    text = f"? {'k' * 1100}\n: {value}\nevents: {{}}\nname: n\nmore:\n  ? '{'l' * 1100}'\n  : {value}\n"
    text += f'more still:\n  ? "{escaped}"\n  : {value}\n'
    store = Store(hand_written(text))
    before = yaml.safe_load(text)
    store.add_file("S2", "Prod0", source())
    after = yaml.safe_load(manifest_of(store).read_bytes())
    assert {**after, "events": {}} == {**before, "events": {}}
    assert len(Store(store.root)) == 1


def test_two_keys_and_no_more(store, source):
    """The records of a Store that was created without sha256 hold the two keys of SEED.txt, and its top the other
    two.
    """
    store.add_file("S1", "Prod0", source())
    loaded = yaml.safe_load(manifest_of(store).read_bytes())
    assert set(loaded) == {"name", "events"}
    assert set(loaded["events"]["S1"]["Prod0"]["result.txt"]) == {"hash", "uuid"}


def test_rewriting_is_stable(hand_written, source):
    """A manifest that was rewritten once differs after that in nothing but what was added."""
    text = f"name: n\n{TOP}events: {{S1: {{Prod0: {{f: {record_text()}}}}}}}\n"
    store = Store(hand_written(text))
    store.add_file("S2", "Prod0", source())
    first = records_text(store).decode().splitlines()
    store.add_file("S2", "Prod1", source("g", b"more"))
    second = records_text(store).decode().splitlines()
    assert [line for line in second if line in first] == first
    assert len(second) == len(first) + 4


def test_traps_are_what_they_seem():
    """The traps of these tests are legal names, so that nothing is tried in vain."""
    for trap in TRAPS:
        assert 0 < len(trap.encode()) <= 255
        assert not [c for c in trap if unicodedata.category(c) in {"Cc", "Cs"} or c in "/\\"]
