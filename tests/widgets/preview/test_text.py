"""Text: decoded, and shown as far as a page goes."""

from __future__ import annotations

import pytest

from asimov.storage.widgets._preview import description
from asimov.storage.widgets._preview.description import LIMIT
from asimov.storage.widgets._preview.text import end


def test_text_is_shown_as_it_is(describe):
    """A text file is shown whole, whatever stands in it."""
    found = describe("<script>alert(1)</script>\r\nmass é 漢字 \u202egnp.exe\n", "notes.txt")
    assert (found.kind, found.type, found.note) == ("text", "text", "")
    assert found.text == "<script>alert(1)</script>\nmass é 漢字 \u202egnp.exe\n"


@pytest.mark.parametrize(
    ("name", "kind"), [("a.svg", "SVG, as text"), ("a.html", "HTML, as text"), ("a.xml", "XML text"), ("a", "text")]
)
def test_markup_is_only_ever_text(describe, name, kind):
    """SVG, HTML and XML are described as text, under their names."""
    found = describe("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", name)
    assert (found.kind, found.type) == ("text", kind)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_with_and_without_a_mark_is_read(describe, encoding):
    """Text in UTF-8, and in other encodings of Unicode that say so, is read, and the mark isn't shown."""
    found = describe("χ_eff = 0.3".encode(encoding), "notes.txt")
    assert (found.kind, found.text) == ("text", "χ_eff = 0.3")


def test_latin_1_is_read_and_said(describe):
    """Text that is no UTF-8 is read as Latin-1, and the note says so."""
    found = describe("naïve".encode("latin-1"), "notes.txt")
    assert (found.kind, found.text, found.note) == ("text", "naïve", "It is not UTF-8, and shown as Latin-1.")


def test_a_character_cut_in_two_at_the_limit_is_left_out(describe):
    """Where the first megabyte ends in the middle of a character, the text before it is shown."""
    found = describe("a" + "é" * LIMIT, "notes.txt")
    assert found.kind == "text"
    assert "\ufffd" not in found.text


def test_a_long_text_is_cut_and_said(describe):
    """Of a long text, some lines are shown, and the note says so."""
    found = describe("line\n" * 5000, "notes.txt")
    assert found.text.count("\n") == description.LINES
    assert found.note == "Only the beginning is shown."
    found = describe("x" * 5000, "notes.txt")
    assert found.text == "x" * description.LINE_CHARACTERS + "…"
    found = describe(("y" * 1500 + "\n") * 600, "notes.txt")
    assert len(found.text) <= description.CHARACTERS + 2


def test_the_end_of_a_text(tmp_path):
    """Of a long text the last lines are shown, whole, and no more of it is read than that takes."""
    path = tmp_path / "run.log"
    path.write_text("".join(f"line {number}\n" for number in range(100_000)) + "y" * 3000)
    with path.open("rb") as file:
        shown = end(file, path.stat().st_size).split("\n")
        assert file.tell() == path.stat().st_size
    assert shown[-1] == "…" + "y" * 2000
    assert shown[0].startswith("line ")
    assert len(shown) == 1000
    path.write_text("short\n")
    with path.open("rb") as file:
        assert end(file, 6) == "short\n"
