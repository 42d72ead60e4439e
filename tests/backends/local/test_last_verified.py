"""Verification in rotation, as one runs it every night, and against a fingerprint written down before."""

from datetime import timedelta

import pytest

from asimov.storage import HashError, Store

DAY = timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    """A Store of five files of 100 bytes."""
    store = Store.create(tmp_path / "store", "Five files")
    for number in range(5):
        source = tmp_path / f"result-{number}"
        source.write_bytes(bytes([number]) * 100)
        store.add_file("S1", "Prod0", source)
    return store


def times(store):
    """Give the file that keeps when files were verified."""
    return store.root / ".manifest" / "verified"


def age(store, files, days):
    """Make it seem that `files` were verified `days` ago."""
    uuids = {store["S1", "Prod0", file].uuid for file in files}
    lines = (line.split() for line in times(store).read_text().splitlines())
    text = "".join(f"{u} {int(s) - days * 86400 if u in uuids else s}\n" for u, s in lines)
    times(store).write_text(text)


def checked(report):
    """Give the files that were verified."""
    return [check.file for check in report.results]


def test_what_was_verified_lately_is_skipped(store):
    """With `since`, files verified within that time are left out, and counted."""
    assert 5 == len(store.verify().results)
    age(store, ["result-1", "result-3"], 2)
    report = store.verify(since=DAY)
    assert (["result-1", "result-3"], 3) == (checked(report), report.skipped)
    assert [] == checked(store.verify(since=DAY))


def test_a_budget_in_bytes_takes_the_oldest_first(store):
    """With a budget in bytes, verification begins with what waits longest and stops before it is exceeded."""
    store.verify()
    for days, file in enumerate(["result-2", "result-0", "result-4"], start=1):
        age(store, [file], days)
    report = store.verify(budget=250)
    assert (["result-0", "result-4"], 3) == (checked(report), report.skipped)


def test_a_night_after_the_other_covers_the_store(store):
    """Nights with a small budget each cover every file in rotation."""
    nights = [checked(store.verify(since=DAY, budget=200)) for _ in range(3)]
    assert sorted(f"result-{number}" for number in range(5)) == sorted(file for night in nights for file in night)


def test_a_file_above_the_budget_is_verified_all_the_same(store):
    """The smallest budget still makes headway: one file."""
    assert 1 == len(store.verify(budget=1).results)


def test_a_budget_in_time_stops_cleanly(store):
    """With no time left, what was begun is finished, reported and noted, and the rest is left."""
    report = store.verify(budget=timedelta(0))
    assert report.ok
    assert 5 == len(report.results) + report.skipped
    assert len(report.results) >= 1


def test_a_failed_file_comes_first_again(store):
    """A file that failed counts as never verified."""
    store.verify()
    path = store.root / "S1" / "Prod0" / store["S1", "Prod0", "result-2"].uuid
    path.chmod(0o600)
    path.write_bytes(b"damaged")
    assert ["result-2"] == [check.file for check in store.verify().failures]
    assert ["result-2"] == checked(store.verify(since=DAY))


def test_lost_times_do_no_harm(store):
    """Without the file of times, or with another's rubbish in it, everything is verified."""
    store.verify()
    times(store).unlink()
    assert 5 == len(store.verify(since=DAY).results)
    times(store).write_bytes(b"\xff\xfe rubbish")
    assert 5 == len(store.verify(since=DAY).results)


def test_a_changed_manifest_is_found_by_its_fingerprint(store, tmp_path):
    """A record that was added, removed or swapped is found by a fingerprint written down before."""
    before = store.fingerprint()
    assert store.verify(fingerprint=before.upper()).ok
    manifest = store.root / ".manifest" / "manifest.yaml"
    text = manifest.read_text()
    one, two = (store["S1", "Prod0", f"result-{number}"] for number in (0, 1))
    swapped = text.replace(one.hash, "x").replace(two.hash, one.hash).replace("x", two.hash)
    swapped = swapped.replace(one.uuid, "x").replace(two.uuid, one.uuid).replace("x", two.uuid)
    manifest.write_text(swapped)
    assert store.verify().ok  # each file still has the digest beside its uuid
    report = store.verify(fingerprint=before)
    assert not report.ok
    with pytest.raises(HashError, match="fingerprint") as caught:
        report.raise_for_failures()
    assert (before, store.fingerprint()) == (caught.value.expected, caught.value.actual)


def test_times_of_a_clock_that_was_wrong(store):
    """A time far ahead of this clock, as a host with a wrong one left it, doesn't keep a file from being verified."""
    store.verify()
    age(store, ["result-0"], days=-3650)
    assert checked(store.verify(since=30 * DAY)) == ["result-0"]
    assert checked(store.verify(since=30 * DAY)) == []
