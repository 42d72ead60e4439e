"""Stores that upstream asimov wrote: read, tabulated, verified and grown."""

from __future__ import annotations

import difflib
import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from damage import contents, flip_bit, keys, manifest_of, records_text, replace_by_symlink, unpack_legacy_stores

from asimov.storage import AlreadyPresentException, HashError, RecordExistsError, Store

RELEASES = ["0.5.16", "0.7.1", "0.8.0"]
PLACE = ("GW150914_095045", "Prod0", "config.ini")


@pytest.fixture(params=RELEASES)
def legacy(request, tmp_path):
    """A Store as a release of upstream wrote it."""
    unpack_legacy_stores(tmp_path)
    return Store(tmp_path / f"store-{request.param}")


def upstream_paths(root):
    """Read a Store as upstream's Manifest does: yaml.safe_load, and files by their names."""
    with Path(root, ".manifest", "manifest.yaml").open() as file:
        data = yaml.safe_load(file)
    found = {}
    for event, productions in data["events"].items():
        for production, files in productions.items():
            for name, resource in files.items():
                found[resource["uuid"]] = (os.path.join(root, event, production, name), resource["hash"])  # noqa: PTH118
    return data, found


def test_open(legacy):
    """It opens, with its name and its 18 records, as the hierarchy says."""
    _, expected = upstream_paths(legacy.root)
    assert legacy.name.startswith("Results written by asimov 0.")
    assert len(legacy) == 18
    assert {record.uuid: record.hash for record in legacy} == {
        identity: digest for identity, (_, digest) in expected.items()
    }


def test_fetch(legacy):
    """Its files are fetched, verified, from where they are: under their own names."""
    for record in legacy:
        path = legacy.fetch_file(*record.key, hash=record.hash)
        assert path == legacy.root / record.event / record.production / record.file
        assert hashlib.md5(path.read_bytes()).hexdigest() == record.hash
        assert legacy.fetch_uuid(record.uuid) == path


def test_uuid_dict(legacy):
    """.uuid_dict has the paths that upstream's has."""
    expected = {identity: path for identity, (path, _) in upstream_paths(str(legacy.root))[1].items()}
    assert {identity: str(path) for identity, path in legacy.manifest.uuid_dict.items()} == expected


def test_verify(legacy):
    """It verifies clean, and no file of it is untracked."""
    before = contents(legacy.root)
    report = legacy.verify()
    assert (report.ok, len(report.results), report.untracked) == (True, 18, ())
    assert contents(legacy.root) == before


def test_tabulate(legacy):
    """It tabulates, sizes and paths too."""
    frame = legacy.to_frame(stat=True)
    assert len(frame) == 18
    assert tuple(frame.loc[0, ["event", "production", "file"]]) == PLACE
    assert [Path(path).stat().st_size for path in frame.path] == list(frame["size"])


def test_damage(legacy):
    """A file that was changed since, is gone or is a link now is found."""
    first, second, third = (legacy.fetch_file(*record.key) for record in sorted(legacy, key=lambda r: r.key)[:3])
    flip_bit(first)
    second.unlink()
    replace_by_symlink(third)
    assert [check.status for check in legacy.verify().failures] == ["corrupt", "missing", "unreadable"]
    with pytest.raises(HashError):
        legacy.fetch_file(*PLACE)


def test_grow(legacy, source):
    """It can be added to: the new file under its uuid, the old ones where they are, all verified, none untracked."""
    before = {
        path: path.read_bytes()
        for path in legacy.root.rglob("*.*")
        if path.is_file() and path.suffix in {".ini", ".json"}
    }
    added = legacy.add_file("GW150914_095045", "Prod0", source("posterior.h5", b"new"))
    with legacy.new_file("GW190521", "Prod0", "config.ini") as new:
        new.write(b"[newer]")
    report = Store(legacy.root).verify()
    assert legacy.fetch_file("GW150914_095045", "Prod0", "posterior.h5").name == added["uuid"]
    assert {path: path.read_bytes() for path in before} == before
    assert (report.ok, len(report.results), report.untracked) == (True, 20, ())


def test_upstream_reads_what_was_grown(legacy, source):
    """Upstream's reading of the manifest finds all old records unchanged, and the new one."""
    old = upstream_paths(str(legacy.root))[1]
    added = legacy.add_file("GW150914_095045", "Prod0", source("posterior.h5", b"new"))
    data, grown = upstream_paths(str(legacy.root))
    new = str(legacy.root / "GW150914_095045" / "Prod0" / "posterior.h5")
    assert grown == {**old, added["uuid"]: (new, added["hash"])}
    assert data["name"] == legacy.name
    assert data["events"]["GW150914_095045"]["Prod0"]["posterior.h5"] == {"hash": added["hash"], "uuid": added["uuid"]}


def test_rewriting_keeps_upstreams_text(legacy, source):
    """The manifest that is rewritten differs from upstream's in the lines of the new record alone."""
    before = manifest_of(legacy).read_text("utf-8").splitlines()
    legacy.add_file("GW150914_095045", "Prod0", source("posterior.h5", b"new"))
    after = records_text(legacy).decode().splitlines()
    changes = [line for line in difflib.ndiff(before, after) if not line.startswith("  ")]
    assert [line[:2] for line in changes] == ["+ "] * 3
    assert changes[0] == "+       posterior.h5:"


def test_what_is_there_is_known(legacy, source):
    """Names and bytes of upstream's files are taken as ours are."""
    there = legacy.fetch_file(*PLACE)
    with pytest.raises(RecordExistsError):
        legacy.add_file(*PLACE[:2], source("config.ini", b"other"))
    with pytest.raises(AlreadyPresentException) as caught:
        legacy.add_file("S1", "Prod0", there, "copy")
    assert caught.value.record.key == PLACE


def test_link_to_an_old_file(legacy):
    """duplicate="link" of a file that upstream stored is a record that is sound, whatever mode the old file has."""
    there = legacy.fetch_file(*PLACE)
    there.chmod(0o644)
    legacy.add_file("S1", "Prod0", there, "copy", duplicate="link")
    assert legacy.fetch_file("S1", "Prod0", "copy").read_bytes() == there.read_bytes()
    assert legacy.verify().ok


def test_a_file_called_as_a_uuid(legacy):
    """A record's file is UUID where that exists, else the file's name."""
    record = legacy[PLACE]
    named = legacy.fetch_file(*PLACE)
    by_uuid = named.with_name(record.uuid)
    named.rename(by_uuid)
    assert legacy.fetch_file(*PLACE) == by_uuid
    named.write_bytes(b"a stray of the name")
    assert legacy.fetch_file(*PLACE) == by_uuid
    assert list(legacy.verify().untracked) == [named]


def test_a_new_file_in_the_way_of_an_old_name(legacy, source):
    """A stray under the name that is added is not taken for the new file, and not overwritten."""
    stray = legacy.root / "GW150914_095045" / "Prod0" / "posterior.h5"
    stray.write_bytes(b"stray")
    legacy.add_file("GW150914_095045", "Prod0", source("posterior.h5", b"new"))
    assert legacy.fetch_file("GW150914_095045", "Prod0", "posterior.h5").read_bytes() == b"new"
    assert stray.read_bytes() == b"stray"
    assert list(legacy.verify().untracked) == [stray]


def test_reading_writes_nothing(legacy):
    """Opening, listing, fetching and verifying leave an old Store byte for byte and entry for entry."""
    before = sorted(legacy.root.rglob("*")), contents(legacy.root)
    store = Store(legacy.root)
    store.fetch_file(*PLACE)
    store.fingerprint()
    store.verify()
    assert (sorted(legacy.root.rglob("*")), contents(legacy.root)) == before
    assert len(keys(store)) == 18


def test_a_rotation_is_noted(legacy):
    """Who asks for a rotation gets one in an old Store too: a file of times is added, nothing else."""
    before = set(legacy.root.rglob("*"))
    assert len(legacy.verify(since=timedelta(days=1)).results) == 18
    assert set(legacy.root.rglob("*")) - before == {legacy.root / ".manifest" / "verified"}
    assert legacy.verify(since=timedelta(days=1)).skipped == 18
