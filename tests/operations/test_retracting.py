"""Retracting: what was retracted is refused by each fetch, passed over by verify, and said everywhere; never undone."""

from __future__ import annotations

import pickle
import re

import pandas as pd
import pytest
import yaml
from damage import keys, manifest_of, run_python

from asimov.storage import ManifestError, RecordNotFoundError, RetractedError, Status, Store

WHY = "the wrong PSD was used: see #12"


@pytest.fixture
def filled(store, source):
    """A Store of three files."""
    store.add_files([("E", "P", source(name, name.encode())) for name in ("bad", "good", "other")])
    return store


def test_every_fetch_refuses_it(filled):
    """No fetch returns a retracted file unless asked to; the error says why, and what to use instead."""
    assert filled.retract(("E", "P", "bad"), WHY, superseded_by=("E", "P", "good")) == [filled["E", "P", "bad"]]
    record, uuid = filled["E", "P", "bad"], filled["E", "P", "bad"].uuid
    said = (
        rf"'E' / 'P' / 'bad' was retracted on 20..-..-..T..:..:..Z by .*@.*: {WHY}\. Use 'E' / 'P' / 'good' instead\."
    )
    for fetch in (
        lambda **more: filled.fetch_file("E", "P", "bad", **more),
        lambda **more: filled.fetch_files([("E", "P", "good"), record], **more)[1],
        lambda **more: filled.fetch_uuid(uuid, **more),
        lambda **more: filled.open_file("E", "P", "bad", **more),
    ):
        with pytest.raises(RetractedError, match=said) as caught:
            fetch()
        assert (caught.value.reason, caught.value.record) == (WHY, record)
        assert caught.value.superseded_by == filled["E", "P", "good"]
        fetched = fetch(retracted=True)
        with fetched if hasattr(fetched, "read") else fetched.open("rb") as file:
            assert file.read() == b"bad"
    assert filled.fetch_file("E", "P", "good").read_bytes() == b"good"


def test_the_error_survives_pickling(filled):
    """A worker's RetractedError arrives with all that it says."""
    filled.retract(("E", "P", "bad"), WHY, superseded_by=filled["E", "P", "good"])
    with pytest.raises(RetractedError) as caught:
        filled.fetch_file("E", "P", "bad")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert (again.record, again.reason, again.superseded_by) == (
        caught.value.record,
        WHY,
        filled["E", "P", "good"],
    )


def test_records_and_files_stay(filled):
    """Retracting changes neither records nor files, and stands in manifest.yaml, by uuid."""
    before, paths = list(filled), filled.fetch_files(filled)
    contents = [path.read_bytes() for path in paths]
    filled.retract([("E", "P", "bad"), ("E", "P", "other")], WHY)
    filled.fold()
    assert (list(filled), list(Store(filled.root))) == (before, before)
    assert [path.read_bytes() for path in paths] == contents
    found = yaml.safe_load(manifest_of(filled).read_bytes())["retracted"]
    assert {uuid: said["reason"] for uuid, said in found.items()} == {
        filled["E", "P", name].uuid: WHY for name in ("bad", "other")
    }


@pytest.mark.parametrize("damage", ["missing", "damaged", "sound"])
def test_verify_passes_it_over(filled, damage):
    """A verification counts what was retracted, and doesn't fail for its file, whatever has become of that."""
    path = filled.fetch_file("E", "P", "bad")
    if damage != "sound":
        path.chmod(0o644)
        path.write_bytes(b"worked on since")
    if damage == "missing":
        path.unlink()
    assert filled.verify().ok == (damage == "sound")
    filled.retract(("E", "P", "bad"), WHY)
    report = filled.verify()
    assert (report.ok, report.failures, report.skipped) == (True, (), 0)
    assert report.counts == {"ok": 2, "corrupt": 0, "missing": 0, "unreadable": 0, "retracted": 1}
    first = report.results[0]
    assert (first.file, first.status, first.reason) == ("bad", Status.RETRACTED, WHY)
    report.raise_for_failures()


def test_tables_say_it(filled):
    """to_frame(meta=True) says what was retracted and why, and what to use instead; NA for the others."""
    filled.retract(("E", "P", "bad"), WHY, superseded_by=("E", "P", "good"))
    frame = filled.to_frame(meta=True)
    assert list(frame.columns[-2:]) == ["retracted", "superseded_by"]
    assert frame["retracted"].tolist()[0] == WHY
    assert frame["superseded_by"].tolist()[0] == filled["E", "P", "good"].uuid
    assert frame[["retracted", "superseded_by"]].isna().to_numpy().tolist() == [
        [False, False],
        [True, True],
        [True, True],
    ]
    assert "retracted" not in filled.to_frame()


def test_again_is_nothing_new(filled):
    """The same retraction again changes nothing; another one of the same record is refused, and undoes nothing."""
    filled.retract(("E", "P", "bad"), WHY)
    filled.fold()
    before = manifest_of(filled).read_bytes()
    assert filled.retract(("E", "P", "bad"), WHY) == [filled["E", "P", "bad"]]
    with pytest.raises(RetractedError, match="was retracted") as caught:
        filled.retract([("E", "P", "bad"), ("E", "P", "other")], "another reason")
    assert caught.value.__notes__ == ["A retraction is never changed, and nothing was retracted now."]
    filled.fold()
    assert manifest_of(filled).read_bytes() == before


@pytest.mark.parametrize(
    ("selection", "reason", "more", "error", "words"),
    [
        (("E", "P", "none"), WHY, {}, RecordNotFoundError, "none"),
        (("E", "P", "bad"), "", {}, ValueError, "says nothing"),
        (("E", "P", "bad"), " \n", {}, ValueError, "says nothing"),
        (("E", "P", "bad"), None, {}, TypeError, "it takes a str"),
        (("E", "P", "bad"), "\ud800", {}, ValueError, "lone surrogate"),
        (("E", "P", "bad"), "x" * 20_000, {}, ValueError, "at most 16,384"),
        (("E", "P", "bad"), WHY, {"superseded_by": ("E", "P", "bad")}, ValueError, "its own successor"),
        (("E", "P", "bad"), WHY, {"superseded_by": ("E", "P", "none")}, RecordNotFoundError, "none"),
    ],
)
def test_bad_retractions(filled, selection, reason, more, error, words):
    """A retraction that makes no sense is refused, and nothing is written."""
    before = manifest_of(filled).read_bytes()
    with pytest.raises(error, match=words):
        filled.retract(selection, reason, **more)
    assert manifest_of(filled).read_bytes() == before
    assert filled.fetch_file("E", "P", "bad").read_bytes() == b"bad"


def test_a_successor_is_itself_good(filled):
    """What was retracted can't be a successor."""
    filled.retract(("E", "P", "good"), WHY)
    with pytest.raises(RetractedError):
        filled.retract(("E", "P", "bad"), WHY, superseded_by=("E", "P", "good"))


def test_frames_select(filled):
    """Rows of a table are retracted as they are fetched; no rows, no retraction."""
    frame = filled.to_frame()
    assert filled.retract(frame[frame["file"] == "none"], WHY) == []
    assert len(filled.retract(frame[frame["file"] != "good"], WHY)) == 2
    assert keys(filled) == [("E", "P", name) for name in ("bad", "good", "other")]
    assert isinstance(filled.to_frame(meta=True), pd.DataFrame)


def test_another_process_sees_it_at_once(filled):
    """A retraction that was acknowledged is seen by each process, before the fold and after it."""
    filled.retract(("E", "P", "bad"), WHY)
    code = "import sys\nfrom asimov.storage import Store\nStore(sys.argv[1]).fetch_file('E', 'P', 'bad')"
    for fold in (lambda: None, filled.fold):
        fold()
        assert re.search("RetractedError: .*" + re.escape(WHY), run_python(code, filled.root).stderr)


def test_adds_and_retractions_keep_each_other(filled, source):
    """Retractions and adds in turn, by several openings of one Store, are all there in the end."""
    stores = [Store(filled.root) for _ in range(3)]
    for number in range(30):
        store = stores[number % 3]
        store.add_file("E", "Q", source(f"f{number}", b"%d" % number))
        if number % 2:
            stores[(number + 1) % 3].retract(("E", "Q", f"f{number}"), f"reason {number}")
    filled.fold()
    for store in (*stores, Store(filled.root)):
        reasons = {r.file: store.manifest.snapshot().retracted.get(r.uuid) for r in store if r.production == "Q"}
        assert {name: one and one.reason for name, one in reasons.items()} == {
            f"f{number}": f"reason {number}" if number % 2 else None for number in range(30)
        }


def test_a_repair_keeps_it(filled):
    """Retractions come back with a repair: from the back-up, from entries, and from what is left of a manifest."""
    filled.retract(("E", "P", "bad"), WHY)
    filled.fold()
    home = filled.root / ".manifest"
    whole = manifest_of(filled).read_text()
    for text in (whole.replace("events:", "events: [", 1), None):
        for path in home.glob("manifest.yaml.bak"):
            path.unlink()
        manifest_of(filled).unlink()
        if text is not None:
            manifest_of(filled).write_text(text)
        Store.repair(filled.root, dry_run=False)
        with pytest.raises(RetractedError, match=re.escape(WHY)):
            Store(filled.root).fetch_file("E", "P", "bad")
        assert Store(filled.root).verify().ok


def test_pages_strike_it_through(filled):
    """The HTML of a Store and its Manifest strikes the file through and says why, as text only."""
    filled.retract(("E", "P", "bad"), "<b>wrong</b> PSD")
    for shown in (filled, filled.manifest, Store(filled.root)):
        page = shown._repr_html_()
        assert page.count("<s>") == 1
        assert '<s><bdi>bad</bdi></s><div class="as-note">retracted: &lt;b&gt;wrong&lt;/b&gt; PSD</div>' in page


def test_what_another_program_wrote_is_kept(filled):
    """Where the key has a value of another program, nothing is retracted over it; adds go on and keep it."""
    manifest = manifest_of(filled)
    manifest.write_text(manifest.read_text().replace("name:", "retracted:\n  -\n    - mine\nname:"))
    store = Store(filled.root)
    with pytest.raises(ValueError, match="is no mapping"):
        store.retract(("E", "P", "bad"), WHY)
    with store.new_file("E", "P", "new") as file:
        file.write(b"new")
    assert yaml.safe_load(manifest.read_bytes())["retracted"] == [["mine"]]


def test_what_belongs_to_no_key_is_no_manifest(filled):
    """Lines below the records that belong to no key are refused, as YAML refuses them."""
    manifest = manifest_of(filled)
    manifest.write_text("'NO':\nevents: {}\n  - null\nname: 'no'\n")
    with pytest.raises(ManifestError, match="is not YAML"):
        Store(filled.root)
