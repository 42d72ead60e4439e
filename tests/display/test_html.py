from __future__ import annotations

import re
from pathlib import Path

import pytest
from markup import HOSTILE, Page

from asimov.storage._display import html
from asimov.storage._display.text import printable


def test_html_is_one_balanced_element_of_our_class(every_form):
    """The HTML of everything is a single balanced <div class="asimov-storage">, whatever names and paths hold."""
    for _, form in every_form:
        page = Page(form)
        assert page.roots == 1
        assert form.startswith('<div class="asimov-storage"><style>')


def test_html_holds_only_harmless_tags_and_attributes(every_form):
    """No script, id, event handler, link, image or other resource is in the HTML of anything."""
    allowed = {
        "div",
        "style",
        "pre",
        "span",
        "bdi",
        "details",
        "summary",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }
    for _, form in every_form:
        page = Page(form)
        assert set(page.tags) <= allowed
        assert {name for name, _ in page.attributes} <= {"class", "scope", "open", "aria-hidden"}
        assert "url(" not in form
        assert "@import" not in form


def test_style_is_scoped(every_form):
    """Every rule of the style sheet applies below .asimov-storage only."""
    css = re.search(r"<style>(.*?)</style>", every_form[0][1], re.DOTALL)[1]
    selectors = re.findall(r"([^{}]+)\{", css)
    assert selectors
    assert [s for s in selectors if not all(part.strip().startswith(".asimov-storage") for part in s.split(","))] == []


def test_colours_come_from_the_front_end(every_form):
    """Each variable of VS Code falls back to one of JupyterLab, and that to one of the pydata theme."""
    css = every_form[0][1]
    assert len(re.findall(r"var\(--vscode-[\w-]+, var\(--jp-[\w-]+, var\(--pst-[\w-]+, ", css)) == css.count(
        "var(--vscode-"
    )


def test_html_holds_the_line_as_its_text_fallback(every_form):
    """The one-line repr stands in the HTML, for front ends that drop the style sheet which hides it."""
    for line, form in every_form:
        assert Page(form).texts[0] == line


@pytest.mark.parametrize("name", HOSTILE)
def test_elements_hold_a_name_as_text(name):
    """Whatever a name holds, a cell, a digest, a path and a name show it as one text, escaped where it is invisible."""
    for element in (html.name(name), html.path(Path(name)), html.cell(name), html.digest(name)):
        assert Page(element).text == printable(name)
        assert Page(element).roots == 1


def test_a_table_counts_what_it_hides():
    """A table has its headings and rows in order, and says below how many rows it leaves out, if it does."""
    rows = [f"<tr>{html.cell('a')}</tr>", f"<tr>{html.cell('b')}</tr>"]
    assert Page(html.table(["file"], rows, 0)).cells == ["file", "a", "b"]
    assert "more" not in html.table(["file"], rows, 0)
    assert Page(html.table(["file"], rows, 1234)).text.endswith("… and 1,234 more")


def test_details_are_closed_unless_they_are_opened():
    """A body is behind its summary, and in view where it is asked for."""
    assert html.details("sum", "body") == "<details><summary>sum</summary>body</details>"
    assert html.details("sum", "body", is_open=True).startswith("<details open>")


def test_a_symbol_is_not_read_out():
    """A symbol is hidden from screen readers, which read the word beside it."""
    assert html.symbol("corrupt") == '<span aria-hidden="true">✗</span>'
