"""The Explorer, without kernel and browser."""

from __future__ import annotations

import shutil
import threading

import pytest
from damage import flip_bit

from asimov.storage import RecordNotFoundError, Store
from asimov.storage._backends.local.backend import LocalBackend
from asimov.storage.widgets import Explorer
from asimov.storage.widgets._exploring.view import View


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
    """Mark rows of a page, as it is shown."""
    rows = page.ask("explore/page", **view).result["rows"]
    return page.ask("explore/select", keys=[rows[position][:3] for position in positions], on=on).result["selected"]


def select_all(page, *, on=True, **view):
    """Mark all that match."""
    total = page.ask("explore/page", **view).result["total"]
    return page.ask("explore/select-all", total=total, on=on, **view).result["selected"]


def test_the_first_page_travels_with_the_widget(explorer, filled):
    """What a new view paints at once is in its state: 50 rows with size and times, counts and choices."""
    first = explorer._initial["page"]
    assert (len(first["rows"]), first["total"], first["pages"], first["selected"]) == (50, 60, 2, 0)
    record = next(iter(filled))
    path = filled.fetch_file(*record.key)
    stat = [path.stat().st_size, path.stat().st_mtime_ns // 1_000_000]
    assert first["rows"][0] == [*record.key, record.hash, record.uuid, *stat, 0]
    assert first["choices"]["events"] == {"most": [["S0", 20], ["S1", 20], ["S2", 20]], "total": 3}
    assert first["choices"]["suffixes"] == {"most": [["", 60]], "total": 1}
    assert first["choices"]["productions"] == {"most": [["Prod0", 60]], "total": 1}


def test_a_page_is_asked_for(page):
    """A view asks with search, filter, order and page, and is answered with rows and counts."""
    found = page.ask("explore/page", search="file-1", event="S1", sort="file", descending=True, page=0).result
    assert [row[2] for row in found["rows"]] == ["file-19", "file-16", "file-13", "file-10"]
    assert (found["total"], found["records"], found["page"], found["pages"]) == (4, 60, 0, 1)


def test_a_page_that_has_the_answer_is_sent_its_mark(page, filled):
    """What a page has already isn't sent again, unless something is different, or its choices are."""
    first = page.ask("explore/page").result
    known = first["choices"]["of"]
    assert page.ask("explore/page", has=first["mark"], known=known).result == {"same": first["mark"]}
    assert page.ask("explore/page", has=first["mark"]).result == first
    assert page.ask("explore/page", has=first["mark"], known=known, page=1).result["page"] == 1
    select(page, 0)
    selected = page.ask("explore/page", has=first["mark"], known=known).result
    assert (selected["marked"][0], selected["mark"] != first["mark"]) == (True, True)
    filled.fetch_file(*first["rows"][0][:3]).unlink()
    assert page.ask("explore/page", has=selected["mark"], known=known).result["rows"][0][5] is None


def test_a_missing_file_is_shown_without_size(page, filled):
    """A record whose file is gone has neither size nor time."""
    filled.fetch_file("S0", "Prod0", "file-00").unlink()
    assert page.ask("explore/page").result["rows"][0][5:7] == [None, None]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sort": "colour"},
        {"page": -1},
        {"page": "1"},
        {"search": 7},
        {"search": "x" * 2000},
        {"descending": 1},
        {"larger_than": "1 kB"},
        {"added_from": -1},
        {"suffix": 1},
        {"failed": "yes"},
        {"retracted": "yes"},
        {"columns": "file"},
        {"columns": ["x" * 300]},
    ],
)
def test_hostile_pages_are_refused(page, wrong):
    """What is no view is refused, and nothing happens."""
    assert page.fails("explore/page", **wrong)["type"] == "RefusedError"


@pytest.mark.parametrize(
    "wrong",
    [None, 3, ["S0"], [["S0", "Prod0"]], [["S0", "Prod0", 7]], [["S0", "Prod0", "x" * 256]], [["S0", "P", "f"]] * 51],
)
def test_hostile_selections_are_refused(page, explorer, wrong):
    """What are no keys of a page's rows is refused, and nothing is selected."""
    assert page.fails("explore/select", keys=wrong, on=True)["type"] == "RefusedError"
    assert len(explorer.selection) == 0


def test_selection(page, explorer, filled):
    """Rows, pages and all that match are selected and deselected; `selection` is the frame of it."""
    assert select(page, 0, 2, sort="file") == 2
    assert explorer.selection["file"].tolist() == ["file-00", "file-02"]
    assert select(page, 0, on=False, sort="file") == 1
    assert select_all(page, search="file-1") == 11
    assert select_all(page, search="file-1", on=False) == 1
    frame = explorer.selection
    assert list(frame.columns) == list(filled.to_frame().columns)
    assert filled.verify(selection=frame).ok
    assert page.ask("explore/select-none").result["selected"] == 0


def test_what_is_selected_is_what_was_shown(page, explorer, filled, source):
    """A row is selected by its names, whatever stands in its place by now, and what isn't there is not."""
    shown = page.ask("explore/page").result["rows"][0][:3]
    filled.add_file("S", "Prod0", source("sorts-first", b"new"))
    explorer.refresh()
    assert page.ask("explore/select", keys=[shown, ["S", "Prod0", "never"]], on=True).result["selected"] == 1
    assert explorer.selection[["event", "production", "file"]].to_numpy().tolist() == [shown]


def test_what_is_gone_is_selected_no_more(page, explorer, filled, source):
    """After a refresh, a record that isn't there any more is not counted as selected."""
    select(page, 0, 1)
    shutil.rmtree(filled.root)
    Store.create(filled.root, "Another").add_file("S0", "Prod0", source("file-00", b"another"))
    explorer.refresh()
    assert page.ask("explore/page").result["selected"] == len(explorer.selection) == 1


def test_what_matches_has_changed(page, explorer, filled, source):
    """Where as many as the page says no longer match, nothing is selected, and the page is told."""
    total = page.ask("explore/page", search="file-1").result["total"]
    filled.add_file("S0", "Prod0", source("file-100", b"new"))
    explorer.refresh()
    refused = page.fails("explore/select-all", search="file-1", total=total, on=True)
    assert "has changed" in refused["message"]
    assert len(explorer.selection) == 0


def test_choices_are_sent_when_they_change(page, explorer, filled, source):
    """A page that knows what the filters offer is not told again, until the event or the table is another one."""
    of = page.ask("explore/page").result["choices"]["of"]
    assert page.ask("explore/page", search="file-1", page=1, known=of).result["choices"] is None
    of_event = page.ask("explore/page", event="S1", known=of).result["choices"]
    assert of_event["productions"] == {"most": [["Prod0", 20]], "total": 1}
    assert page.ask("explore/page", event="S1", known=of_event["of"]).result["choices"] is None
    filled.add_file("S1", "Prod1", source("new", b"new"))
    explorer.refresh()
    assert page.ask("explore/page", event="S1", known=of_event["of"]).result["choices"]["productions"]["total"] == 2


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


def test_a_manifest_written_anew_is_no_news(page, filled):
    """A manifest that is another file with the same records is no news, and refreshing tells nobody."""
    manifest = filled.root / ".manifest" / "manifest.yaml"
    text = manifest.read_bytes()
    manifest.unlink()
    manifest.write_bytes(b"# folded\n" + text)
    assert page.ask("explore/news").result == {"changed": False, "records": 60, "shown": 60}
    page.ask("explore/refresh")
    assert [event["event"] for event in page.events if event["event"] != "explore/looked"] == []


class SlowDisk(LocalBackend):
    """A slow disk: a reading that has begun ends when `go` is set."""

    def __init__(self, root):
        super().__init__(root)
        self.reached, self.go = threading.Event(), threading.Event()

    def contents(self):
        contents = super().contents()
        if threading.current_thread().name == "slow":
            self.reached.set()
            assert self.go.wait(20)
        return contents


def test_two_refreshes_at_once(filled, source):
    """Of two refreshes at once the newer reading stays, with the selection of what it brought."""
    disk = SlowDisk(filled.root)
    explorer = Explorer(Store._over(disk))
    slow, quick = threading.Thread(target=explorer.refresh, name="slow"), threading.Thread(target=explorer.refresh)
    Store(filled.root).add_file("S0", "Prod0", source("one", b"one"))
    slow.start()
    assert disk.reached.wait(20)
    Store(filled.root).add_file("S0", "Prod0", source("two", b"two"))
    quick.start()
    quick.join(0.3)  # it may have to wait for the slow one
    disk.go.set()
    slow.join()
    quick.join()
    assert len(explorer._browsing._reading.table) == 62
    explorer.close()


def test_a_retracted_record_says_why(filled):
    """A refresh brings what was retracted since: its row says why, and no other has more than its values."""
    explorer = Explorer(filled)
    first = explorer._browsing.first(View())["rows"][0]
    assert len(first) == 8
    Store(filled.root).retract(tuple(first[:3]), "glitch")
    explorer.refresh()
    rows = explorer._browsing.first(View())["rows"]
    assert (rows[0][:7], rows[0][8:], {len(row) for row in rows[1:]}) == (first[:7], [{"why": "glitch"}], {8})
    explorer.close()


def test_hashes(page, filled):
    """The hashes of the selection come as md5sum writes them."""
    assert "Nothing is selected" in page.fails("explore/hashes")["message"]
    select(page, 0)
    record = next(iter(filled))
    assert page.ask("explore/hashes").result == {"text": f"{record.hash}  {'/'.join(record.key)}\n", "count": 1}


def test_too_many_hashes(store, page_of):
    """More hashes than a clipboard is for are refused, in words that anybody can follow."""
    lines = (f"      f{n:05}:\n        hash: {n:032x}\n        uuid: {n:032x}\n" for n in range(20_001))
    manifest = store.root / ".manifest" / "manifest.yaml"
    manifest.write_text(f"events:\n  S1:\n    Prod0:\n{''.join(lines)}name: Test\n")
    explorer = Explorer(Store(store.root))
    page = page_of(explorer)
    select_all(page)
    assert page.fails("explore/hashes")["message"] == (
        "20,001 hashes are too many for a clipboard, which takes 20,000. Select fewer."
    )
    select(page, 0, on=False)
    assert page.ask("explore/hashes").result["count"] == 20_000
    explorer.close()


def test_the_selection_is_fetched(page, explorer, tmp_path):
    """The selection is verified and copied to a folder of the server."""
    select_all(page, search="file-1", event="S1")
    page.ask("gather/start", dest=str(tmp_path / "out"))
    assert explorer._gathered["phase"] == "fetched"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["file-10", "file-13", "file-16", "file-19"]


def test_a_selection_is_fetched_again(page, explorer, tmp_path):
    """A selection that is at the folder already is done, and stays as it is."""
    select(page, 0)
    for _ in range(2):
        page.ask("gather/start", dest=str(tmp_path / "out"))
        assert (explorer._gathered["phase"], explorer._gathered["tree"]) == ("fetched", False)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file-00"]


def test_files_of_one_name_are_fetched_to_a_tree(page, explorer, filled, source, tmp_path):
    """Where two of the selection share a name each goes to EVENT/PRODUCTION/FILE, and the page is told so."""
    filled.add_files([("T", f"Prod{n}", source(f"twin{n}", b"twin %d" % n), "twin") for n in range(2)])
    page.ask("explore/refresh")
    select_all(page, search="twin")
    page.ask("gather/start", dest=str(tmp_path / "out"))
    assert (explorer._gathered["phase"], explorer._gathered["tree"]) == ("fetched", True)
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("twin"))
    assert found == ["T/Prod0/twin", "T/Prod1/twin"]


def test_a_folder_may_be_named_from_home(page, explorer, tmp_path, monkeypatch):
    """`~` is the user's home, and the verdict names the folder from the root on; an unknown user's is refused."""
    monkeypatch.setenv("HOME", str(tmp_path))
    select(page, 0)
    page.ask("gather/start", dest="~/out")
    assert explorer._gathered["dest"] == str(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file-00"]
    assert "no such user's home" in page.fails("gather/start", dest="~nobody-of-that-name/out")["message"]


def test_a_damaged_selection_is_not_fetched(page, explorer, filled, tmp_path):
    """If one file is corrupt, nothing is copied, and the page is told why."""
    flip_bit(filled.fetch_file("S0", "Prod0", "file-00"))
    select(page, 0, 1)
    assert page.fails("gather/start", dest=str(tmp_path / "out"))["type"] == "HashError"
    assert explorer._gathered["phase"] == "failed"
    assert list((tmp_path / "out").glob("*")) == []


def test_a_fetch_of_the_selection_is_cancelled(page, explorer, tmp_path):
    """Cancel ends the fetch under way, which leaves nothing."""
    select_all(page)
    explorer.observe(lambda _change: page.send("gather/cancel"), "_gathered")
    page.ask("gather/start", dest=str(tmp_path / "out"))
    assert explorer._gathered["phase"] == "cancelled"
    assert list((tmp_path / "out").glob("*")) == []


def test_the_selection_is_verified(page, explorer, filled):
    """Verify takes the selection as it is at the click."""
    assert "Nothing is selected" in page.fails("verify/start")["message"]
    flip_bit(filled.fetch_file("S0", "Prod0", "file-00"))
    for count in (1, 2):
        select(page, *range(count))
        page.ask("verify/start")
        explorer._verification.wait(20)
        assert len(explorer.report.results) == count
    assert [check.file for check in explorer.report.failures] == ["file-00"]
    assert explorer._verified["phase"] == "done"


def test_a_selection_of_another_time_is_not_verified(page, explorer, filled, source):
    """Records that were selected are verified, not others that have their names by now."""
    select(page, 0)
    shutil.rmtree(filled.root)
    Store.create(filled.root, "Another").add_file("S0", "Prod0", source("file-00", b"another"))
    page.ask("verify/start")
    with pytest.raises(RecordNotFoundError):
        explorer._verification.wait(20)
    assert explorer._verified["phase"] == "failed"


def test_a_row_is_opened(page, explorer):
    """A row's file is fetched, verified and described."""
    page.ask("fetch/start", event="S0", production="Prod0", file="file-00")
    shown = explorer._shown
    assert (shown["phase"], shown["copied"]) == ("fetched", False)
    assert page.ask("fetch/preview", number=shown["number"]).result["kind"] == "text"


def test_explore(filled):
    """`store.explore()` is an Explorer of that Store, which adds."""
    explorer = filled.explore()
    assert (type(explorer).__name__, explorer._initial["root"]) == ("Explorer", str(filled.root))
    assert explorer._initial["read_only"] is False
    explorer.close()


def test_an_empty_store_and_its_first_record(store, page_of, source):
    """An empty Store is one page without rows, of which nothing is selected; its first record is one of one."""
    explorer = Explorer(store)
    page = page_of(explorer)
    shown = page.ask("explore/page").result
    assert (shown["rows"], shown["pages"], shown["total"], shown["records"]) == ([], 1, 0, 0)
    assert select_all(page) == 0
    store.add_file("S1", "Prod0", source("first", b"first"))
    explorer.refresh()
    shown = page.ask("explore/page").result
    assert (len(shown["rows"]), shown["pages"], shown["total"], shown["records"]) == (1, 1, 1, 1)
    assert select_all(page) == 1
    explorer.close()


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
