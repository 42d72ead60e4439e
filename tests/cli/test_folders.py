"""locutus store with a folder as FILE."""

from __future__ import annotations

from damage import keys


def test_files_of_a_folder(locutus, filled, tmp_path):
    """`store` with a folder adds its files, not those of its folders, and says on stderr what is left out."""
    folder = tmp_path / "run"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b", "a", ".hidden", "deeper/c"):
        (folder / name).write_text(name)
    (tmp_path / "one").write_text("one")
    before = keys(filled)
    ran = locutus("store", "E", "P", tmp_path / "one", folder)
    assert ran.code == 0
    assert [key for key in keys(filled) if key not in before] == [("E", "P", name) for name in ("a", "b", "one")]
    assert [line.split("\t")[2] for line in ran.out.splitlines()] == ["one", "a", "b"]
    assert ran.err.splitlines() == [
        f"locutus: {folder}/.hidden is left out: it is hidden: its name begins with a dot",
        f"locutus: {folder}/deeper is left out: it is a folder",
    ]


def test_options_for_one_file(locutus, filled, tmp_path):
    """--name and --hash are refused with a folder, even if it has one file."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "a").write_text("a")
    for option in ("--name", "--hash"):
        ran = locutus("store", "E", "P", folder, option, "x")
        assert (ran.code, "is a folder" in ran.err) == (2, True)
    assert len(filled) == 3


def test_a_folder_without_files(locutus, filled, tmp_path):
    """A folder that has no files is wrong usage, also beside files; nothing is added."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "one").write_text("one")
    ran = locutus("store", "E", "P", tmp_path / "one", tmp_path / "empty")
    assert (ran.code, "without files" in ran.err) == (2, True)
    assert len(filled) == 3
