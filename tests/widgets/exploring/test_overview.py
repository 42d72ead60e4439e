"""The picture of a Store, without a page: cells, states, sizes and the time line."""

from __future__ import annotations

import json
import time

import pytest
from damage import flip_bit

from asimov.storage import Store
from asimov.storage.widgets import Explorer
from asimov.storage.widgets._exploring.overview import BINS, PRODUCTIONS, state_of, time_line

DAY = 86_400


@pytest.fixture
def filled(store, tmp_path):
    """A Store of three events, two productions and seven files; one production is missing from one event."""
    files = []
    for event, production, count in (("S0", "P0", 2), ("S0", "P1", 1), ("S1", "P0", 3), ("S2", "P1", 1)):
        for number in range(count):
            path = tmp_path / f"{event}{production}{number}"
            path.write_text(f"{event}{production}{number}".ljust(10 * (number + 1)))
            files.append((event, production, path))
    store.add_files(files)
    return store


@pytest.fixture
def looked():
    """Return a function that makes an Explorer over a Store, and waits until all was looked up."""
    made = []

    def make(store):
        explorer = Explorer(store)
        made.append(explorer)
        explorer._reading.table.facts.read_verifications()
        return explorer

    yield make
    for explorer in made:
        explorer.close()


def picture(explorer, page_of, page=0):
    """Ask for a page of the picture, when the files were looked at."""
    view = page_of(explorer)
    view.ask("explore/overview", page=page)
    explorer._looking.wait()
    return view.ask("explore/overview", page=page).result


def test_cells_states_and_sizes(filled, looked, page_of):
    """Each production of each event has its number of files, the state of the worst, and the event its bytes."""
    filled.verify(event="S0")
    found = picture(looked(filled), page_of)
    assert (found["events"], found["productions"]) == (["S0", "S1", "S2"], ["P0", "P1"])
    assert found["counts"] == [[2, 1], [3, 0], [0, 1]]
    assert found["states"] == ["l", "n.", ".n"]
    assert found["sizes"] == [40, 60, 10]
    assert (found["page"], found["pages"], found["total"], found["hidden"]) == (0, 1, 3, 0)
    assert sum(found["line"]["counts"]) == 7


def test_a_failure_is_the_worst(filled, looked, page_of):
    """A file that failed is what its cell shows, until it is sound again."""
    path = filled.fetch_file("S1", "P0", "S1P00")
    sound = path.read_bytes()
    flip_bit(path)
    filled.verify()
    assert picture(looked(filled), page_of)["states"] == ["l", "f.", ".l"]
    path.chmod(0o600)
    path.write_bytes(sound)
    filled.verify()
    assert picture(looked(filled), page_of)["states"] == ["l", "l.", ".l"]


@pytest.mark.parametrize(
    ("age", "letter"),
    [(0, "l"), (29 * DAY, "l"), (31 * DAY, "m"), (89 * DAY, "m"), (91 * DAY, "o"), (10_000 * DAY, "o")],
)
def test_states(age, letter):
    """The letter of a state tells how long ago a file was found to be sound."""
    now = time.time()
    assert state_of(int(now - age), now) == letter
    assert (state_of(0, now), state_of(-int(now), now)) == ("n", "f")


def test_pages_of_events(looked, store, page_of):
    """Fifty events are a page, of less than 2 kB; beyond the last page is the last."""
    records = "".join(
        f"  S{e:06}:\n    Prod{p}:\n      f{e}:\n        hash: a{e:031}\n        uuid: b{e:030}{p}\n".replace(
            f"  S{e:06}:\n", f"  S{e:06}:\n" if p == 0 else ""
        )
        for e in range(120)
        for p in range(10)
    )
    (store.root / ".manifest" / "manifest.yaml").write_text(f"events:\n{records}name: Test Store\n")
    explorer = looked(Store(store.root))
    first, last = (picture(explorer, page_of, page) for page in (0, 9))
    assert (len(first["events"]), first["events"][0], first["pages"]) == (50, "S000000", 3)
    assert (len(last["events"]), last["events"][0], last["page"]) == (20, "S000100", 2)
    assert (first["counts"][0], first["states"][0]) == ([1], "n")
    assert len(json.dumps(first, separators=(",", ":"))) < 2000


def test_more_productions_than_are_shown(looked, store, page_of):
    """Of many productions those with the most files are shown, and the rest is counted."""
    records = "".join(
        f"    P{p:03}:\n"
        + "".join(f"      f{n}:\n        hash: a{n:031}\n        uuid: b{p:016}{n:015}\n" for n in range(1 + (p == 39)))
        for p in range(40)
    )
    (store.root / ".manifest" / "manifest.yaml").write_text(f"events:\n  S0:\n{records}name: Test Store\n")
    found = picture(looked(Store(store.root)), page_of)
    assert (len(found["productions"]), found["hidden"]) == (PRODUCTIONS, 40 - PRODUCTIONS)
    assert "P039" in found["productions"]


def test_the_time_line():
    """The time line has whole days, at most so many spans of them, and each file once."""
    ms = 1000 * DAY
    assert time_line([-1, -2]) is None
    assert time_line([5 * ms, 5 * ms + 1, 7 * ms]) == {"from": 5 * ms, "span": ms, "counts": [2, 0, 1]}
    years = time_line([number * ms for number in range(1000)])
    assert len(years["counts"]) <= BINS
    assert sum(years["counts"]) == 1000
    assert years["from"] + years["span"] * len(years["counts"]) >= 1000 * ms


def test_a_look_that_was_cancelled_is_not_begun_again(filled, looked, page_of):
    """Who cancels the look at the files is not asked to wait for another one by the picture alone."""
    explorer = looked(filled)
    view = page_of(explorer)
    view.ask("explore/look-cancel")
    assert view.ask("explore/overview").result["sizes"] is None
    explorer._looking.wait()
    assert not explorer._reading.table.facts.complete
    assert view.ask("explore/page", sort="size").result["waits"]
    explorer._looking.wait()
    found = view.ask("explore/page", sort="size", descending=True).result
    assert (found["waits"], found["rows"][0][5]) == (False, 30)
