from __future__ import annotations

import atexit
import json
import shlex
import sys
from pathlib import Path

import nbformat
import pandas.testing as tm
import pytest
from damage import flip_bit
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from traitlets.config import Config

import asimov.storage
from asimov.storage import HashError, RecordNotFoundError, Store, VerificationReport


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An IPython of its own, in an empty folder, without history or profile."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("LOCUTUS_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # which a shell replaces
    shell = InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
    shell.colors = "nocolor"
    yield shell
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()


@pytest.fixture
def loaded(shell, filled, monkeypatch):
    """The same with the extension loaded and a Store of two events in $LOCUTUS_STORE."""
    monkeypatch.setenv("LOCUTUS_STORE", str(filled.root))
    shell.run_line_magic("load_ext", "asimov.storage")
    return shell


@pytest.fixture
def filled(store, source):
    """A Store of two events."""
    store.add_file("GW150914", "Prod0", source("samples.json", b"{}"))
    store.add_file("GW170817", "Prod0", source("samples.json", b"[]"))
    return store


def magic_names(shell) -> dict[str, set[str]]:
    """List the magics that a shell has."""
    return {kind: set(table) for kind, table in shell.magics_manager.magics.items()}


def test_the_extension_registers_one_magic(shell):
    """`%load_ext asimov.storage` registers the line magic %locutus and nothing else: %store stays IPython's."""
    before, store = magic_names(shell), shell.find_line_magic("store")
    names = set(shell.user_ns)
    shell.run_line_magic("load_ext", "asimov.storage")
    assert magic_names(shell) == {"line": before["line"] | {"locutus"}, "cell": before["cell"]}
    assert shell.find_line_magic("store") == store
    assert set(shell.user_ns) == names


def test_list_gives_a_dataframe(loaded, filled):
    """`%locutus list` gives the DataFrame of to_frame(), and with an event the rows of that."""
    frame = filled.to_frame()
    tm.assert_frame_equal(loaded.run_line_magic("locutus", "list"), frame)
    tm.assert_frame_equal(loaded.run_line_magic("locutus", "list GW150914"), frame[frame["event"] == "GW150914"])


def test_list_of_an_empty_store(loaded, tmp_path):
    """`%locutus list` of an empty Store gives an empty DataFrame with the same columns."""
    empty = Store.create(tmp_path / "empty", "Empty")
    frame = loaded.run_line_magic("locutus", f"--store {shlex.quote(str(empty.root))} list")
    assert (len(frame), list(frame.columns)) == (0, list(empty.to_frame().columns))


def test_the_commands_give_objects(loaded, filled, source, tmp_path):
    """Init and info give a Store, store a DataFrame, fetch a Path and verify a report; nothing is printed."""
    run = loaded.run_line_magic
    assert run("locutus", f"init '{tmp_path}/a new one'").root == tmp_path / "a new one"
    assert run("locutus", "info").root == filled.root
    added = run("locutus", f"store GW150914 Prod1 {source('psd.txt', b'1 2')}")
    assert added[["event", "production", "file"]].to_numpy().tolist() == [["GW150914", "Prod1", "psd.txt"]]
    assert run("locutus", "fetch GW150914 Prod1 psd.txt") == filled.fetch_file("GW150914", "Prod1", "psd.txt")
    report = run("locutus", "verify")
    assert isinstance(report, VerificationReport)
    assert report.ok


def test_list_long_has_sizes(loaded, filled):
    """`%locutus list --long` gives the DataFrame of to_frame() with the sizes of to_frame(stat=True)."""
    frame = loaded.run_line_magic("locutus", "list --long")
    tm.assert_frame_equal(frame, filled.to_frame(stat=True)[list(frame.columns)])
    assert frame["size"].tolist() == [2, 2]


def test_fetch_of_several_gives_paths(loaded, filled, source, tmp_path):
    """`%locutus fetch` of several files, or of a production into a folder, gives a list of Paths."""
    filled.add_file("GW150914", "Prod0", source("psd.txt", b"1 2"))
    several = loaded.run_line_magic("locutus", "fetch GW150914 Prod0 psd.txt samples.json")
    assert several == filled.fetch_files([("GW150914", "Prod0", name) for name in ("psd.txt", "samples.json")])
    copies = loaded.run_line_magic("locutus", "fetch GW150914 Prod0 -o copies")
    assert copies == [tmp_path / "copies" / name for name in ("psd.txt", "samples.json")]


def test_nothing_is_printed_where_an_object_is_given(loaded, capsys):
    """A command that gives an object prints nothing."""
    loaded.run_line_magic("locutus", "list")
    loaded.run_line_magic("locutus", "verify")
    assert capsys.readouterr() == ("", "")


def test_python_variables_go_into_the_line(loaded):
    """A variable or expression in braces takes part in the line."""
    loaded.user_ns["event"] = "GW170817"
    result = loaded.run_cell("%locutus list {event}")
    assert result.result["event"].tolist() == ["GW170817"]


def test_json_and_help_are_printed(loaded, filled, capsys):
    """--json, --help and --version print as in a shell, and give nothing."""
    run = loaded.run_line_magic
    assert run("locutus", "info --json") is None
    assert json.loads(capsys.readouterr().out)["root"] == str(filled.root)
    assert run("locutus", "list --help") is None
    assert capsys.readouterr().out.startswith("Usage: %locutus list")
    assert run("locutus", "--version") is None
    assert capsys.readouterr().out.startswith("locutus ")


def test_failures_of_a_verification_are_a_report(loaded, filled):
    """`%locutus verify` of a damaged Store gives the report that says so."""
    flip_bit(filled.fetch_file("GW150914", "Prod0", "samples.json"))
    report = loaded.run_line_magic("locutus", "verify")
    assert [check.key for check in report.failures] == [("GW150914", "Prod0", "samples.json")]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("list GW000000", RecordNotFoundError),
        ("fetch GW150914 Prod0 none.json", RecordNotFoundError),
        ("fetch GW150914 Prod0 samples.json --hash 0", HashError),
        ("no-such-command", UsageError),
        ("list --no-such-option", UsageError),
        ("list 'unbalanced", UsageError),
        ("store GW150914 Prod0 missing.txt", FileNotFoundError),
        ("add GW150914 Prod0 missing.txt", UsageError),
        ("store GW150914 Prod0 - --name a", UsageError),
        ("fetch GW150914 Prod0 samples.json -o -", UsageError),
    ],
)
def test_mistakes_are_one_line(loaded, capsys, line, kind):
    """A mistake stops the cell with the error that it is, shown as one line without a traceback."""
    result = loaded.run_cell(f"%locutus {line}")
    out, err = capsys.readouterr()
    assert isinstance(result.error_in_exec, kind)
    assert len((out + err).strip().splitlines()) == 1
    assert (out + err).startswith(f"{kind.__name__}: ")


def test_mistakes_can_be_caught(loaded):
    """What a mistake raises can be caught as what it is."""
    with pytest.raises(RecordNotFoundError, match="GW000000"):
        loaded.run_line_magic("locutus", "list GW000000")


def test_bare_magic_says_how_to_use_it(loaded, capsys):
    """`%locutus` alone prints the usage and gives nothing."""
    assert loaded.run_line_magic("locutus", "") is None
    assert "Usage: %locutus" in capsys.readouterr().err


def test_long_work_shows_a_bar(loaded, tmp_path, capsys):
    """Long work shows a progress bar in bytes."""
    with (tmp_path / "big.bin").open("wb") as file:
        file.truncate(48 << 20)
    loaded.run_line_magic("locutus", f"store E P {tmp_path}/big.bin")
    assert "48.0M" in capsys.readouterr().err


def test_in_a_kernel(filled, tmp_path, monkeypatch):
    """In a notebook a cell shows a DataFrame, a report and a Store as HTML, and a mistake as one line."""
    monkeypatch.setenv("PYTHONPATH", str(Path(asimov.storage.__file__).parents[2]))
    cells = [
        "%load_ext asimov.storage",
        f"import os; os.environ['LOCUTUS_STORE'] = {str(filled.root)!r}",
        "%locutus list GW150914",
        "%locutus verify",
        "%locutus info",
        "%locutus list GW000000",
        "%locutus fetch",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    client = NotebookClient(notebook, timeout=60, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    _, _, frame, report, store, missing, usage = [cell.outputs for cell in notebook.cells]
    assert "samples.json" in frame[0].data["text/html"]
    assert "GW170817" not in frame[0].data["text/html"]
    assert report[0].data["text/plain"] == repr(filled.verify())
    assert "asimov-storage" in report[0].data["text/html"]
    assert store[0].data["text/plain"] == repr(Store(filled.root))
    assert len(missing) == 1
    assert missing[0].ename == "RecordNotFoundError"
    assert len(missing[0].traceback) == 1
    assert [output.output_type for output in usage if output.output_type != "stream"] in ([], ["error"])
    assert "\n" not in usage[0].text.strip()
