"""The Explorer, without kernel and browser."""

from __future__ import annotations

import pytest
from damage import flip_bit

from asimov.storage import Store
from asimov.storage.widgets import Explorer


@pytest.fixture
def filled(store, source):
    """Sixty files in three events."""
    store.add_files([(f"S{n % 3}", "Prod0", source(f"file-{n:02}", f"content {n}".encode())) for n in range(60)])
    return store


@pytest.fixture
def explorer(filled):
    """An Explorer of them."""
    explorer = Explorer(filled)
    yield explorer
    explorer.close()


@pytest.fixture
def page(explorer, page_of):
    """A view of it."""
    return page_of(explorer)


def select(page, *positions, on=True, **view):
    """Mark rows of a page."""
    return page.ask("explore/select", positions=list(positions), on=on, **view).result["selected"]


def test_the_first_page_travels_with_the_widget(explorer, filled):
    """What a new view paints at once is in its state: 50 rows with size and time, counts and choices."""
    first = explorer._initial["page"]
    assert (len(first["rows"]), first["total"], first["pages"], first["selected"]) == (50, 60, 2, 0)
    record = next(iter(filled))
    path = filled.fetch_file(*record.key)
    stat = [path.stat().st_size, path.stat().st_mtime_ns // 1_000_000]
    assert first["rows"][0] == [*record.key, record.hash, record.uuid, *stat]
    assert first["events"] == [["S0", 20], ["S1", 20], ["S2", 20]]


def test_a_page_is_asked_for(page):
    """A view asks with search, filter, order and page, and is answered with rows and counts."""
    found = page.ask("explore/page", search="file-1", event="S1", sort="file", descending=True, page=0).result
    assert [row[2] for row in found["rows"]] == ["file-19", "file-16", "file-13", "file-10"]
    assert (found["total"], found["records"], found["page"], found["pages"]) == (4, 60, 0, 1)


def test_a_missing_file_is_shown_without_size(page, filled):
    """A record whose file is gone has neither size nor time."""
    filled.fetch_file("S0", "Prod0", "file-00").unlink()
    assert page.ask("explore/page").result["rows"][0][5:] == [None, None]


@pytest.mark.parametrize(
    "wrong", [{"sort": "size"}, {"page": -1}, {"page": "1"}, {"search": 7}, {"search": "x" * 2000}, {"descending": 1}]
)
def test_hostile_pages_are_refused(page, wrong):
    """What is no view is refused, and nothing happens."""
    assert page.fails("explore/page", **wrong)["type"] == "RefusedError"


@pytest.mark.parametrize("wrong", [None, [True], [-1], [50], ["0"], 3])
def test_hostile_selections_are_refused(page, explorer, wrong):
    """What are no rows of a page is refused, and nothing is selected."""
    assert page.fails("explore/select", positions=wrong, on=True)["type"] == "RefusedError"
    assert len(explorer.selection) == 0


def test_selection(page, explorer, filled):
    """Rows, pages and all that match are selected and deselected; `selection` is the frame of it."""
    assert select(page, 0, 2, sort="file") == 2
    assert explorer.selection["file"].tolist() == ["file-00", "file-02"]
    assert select(page, 0, on=False, sort="file") == 1
    assert page.ask("explore/select-all", search="file-1", on=True).result["selected"] == 11
    assert page.ask("explore/select-all", search="file-1", on=False).result["selected"] == 1
    frame = explorer.selection
    assert list(frame.columns) == list(filled.to_frame().columns)
    assert filled.verify(selection=frame).ok
    assert page.ask("explore/select-none").result["selected"] == 0


def test_views_agree_on_the_selection(explorer, page_of):
    """What one view selects, the others hear of and show, in an order of their own."""
    one, two = page_of(explorer), page_of(explorer)
    select(one, 0)
    assert two.wait_for("explore/selected")["count"] == 1
    shown = two.ask("explore/page", sort="file", descending=True, page=1).result
    assert shown["marked"].index(True) == len(shown["marked"]) - 1


def test_another_process_adds(page, explorer, filled, source):
    """What others add is noticed, shown after a refresh, and what was selected stays selected."""
    select(page, 0)
    assert page.ask("explore/news").result == {"changed": False, "records": 60, "shown": 60}
    Store(filled.root).add_file("S0", "Prod0", source("a-new-one", b"new"))
    assert page.ask("explore/news").result == {"changed": True, "records": 61, "shown": 60}
    assert page.ask("explore/refresh").result == {"records": 61}
    assert page.wait_for("explore/read")["records"] == 61
    shown = page.ask("explore/page").result
    assert (shown["rows"][0][2], shown["marked"][:2]) == ("a-new-one", [False, True])


def test_hashes(page, filled):
    """The hashes of the selection come as md5sum writes them."""
    assert "Nothing is selected" in page.fails("explore/hashes")["message"]
    select(page, 0)
    record = next(iter(filled))
    assert page.ask("explore/hashes").result == {"text": f"{record.hash}  {'/'.join(record.key)}\n", "count": 1}


def test_the_selection_is_fetched(page, explorer, tmp_path):
    """The selection is verified and copied to a folder of the server."""
    page.ask("explore/select-all", search="file-1", event="S1", on=True)
    page.ask("gather/start", dest=str(tmp_path / "out"))
    assert explorer._gathered["phase"] == "fetched"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["file-10", "file-13", "file-16", "file-19"]


def test_a_damaged_selection_is_not_fetched(page, explorer, filled, tmp_path):
    """If one file is corrupt, nothing is copied, and the page is told why."""
    flip_bit(filled.fetch_file("S0", "Prod0", "file-00"))
    select(page, 0, 1)
    assert page.fails("gather/start", dest=str(tmp_path / "out"))["type"] == "HashError"
    assert explorer._gathered["phase"] == "failed"
    assert list((tmp_path / "out").glob("*")) == []


def test_the_selection_is_verified(page, explorer, filled):
    """Verify takes the selection as it is at the click."""
    assert "Nothing is selected" in page.fails("verify/start")["message"]
    flip_bit(filled.fetch_file("S0", "Prod0", "file-00"))
    for count in (1, 2):
        select(page, *range(count))
        page.ask("verify/start")
        explorer._verification._verification.wait(20)
        assert len(explorer.report.results) == count
    assert [check.file for check in explorer.report.failures] == ["file-00"]
    assert explorer._verified["phase"] == "done"


def test_a_row_is_opened(page, explorer):
    """A row's file is fetched, verified and described."""
    page.ask("fetch/start", event="S0", production="Prod0", file="file-00")
    shown = explorer._shown
    assert (shown["phase"], shown["copied"]) == ("fetched", False)
    assert page.ask("fetch/preview", number=shown["number"]).result["kind"] == "text"


@pytest.mark.parametrize("kind", ["upload/begin", "gather/start", "names/suggest"])
def test_read_only(filled, page_of, kind):
    """A read-only Explorer neither adds nor knows a folder on the server, whatever a page asks."""
    explorer = Explorer(filled, read_only=True)
    page = page_of(explorer)
    select(page, 0)
    assert "no request of kind" in page.fails(kind, dest="/tmp", typed="")["message"]
    refused = page.fails("fetch/start", event="S0", production="Prod0", file="file-00", dest="/tmp")
    assert "No folder of the server" in refused["message"]
    explorer.close()
