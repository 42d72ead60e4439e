"""Text in pieces: what it says is what one run of bytes would say, however often lines were put into it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asimov.storage._format import rope
from asimov.storage._format.rope import Rope


@pytest.fixture(scope="module", autouse=True)
def _pieces_are_small():
    """Cut text that is short enough to be made many times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rope, "_SIZE", 24)
        yield


def line(number):
    """Make a line that occurs once."""
    return f"line {number}\n".encode()


def starts(text):
    """List where a line of `text` begins, and its end."""
    return [0, *(at + 1 for at, byte in enumerate(text) if byte == ord("\n"))]


@given(st.integers(1, 40), st.lists(st.integers(0, 10**6), max_size=30))
def test_lines_go_where_they_are_put(count, places):
    """After any insertions the pieces, put together, are the text with those lines in it."""
    whole = b"".join(map(line, range(count)))
    text = Rope(whole)
    for number, place in enumerate(places, start=count):
        at = starts(whole)[place % len(starts(whole))]
        text, whole = text.with_lines(at, line(number)), whole[:at] + line(number) + whole[at:]
        assert bytes(text) == whole
        assert text.size == len(whole)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.integers(0, 400), st.integers(0, 400))
def test_lines_are_found_as_in_one_run_of_bytes(places, low, high):
    """A line is found between two bounds just where `bytes.find` finds it."""
    whole = b"".join(map(line, range(20)))
    text = Rope(whole)
    for number, place in enumerate(places, start=20):
        at = starts(whole)[place % len(starts(whole))]
        text, whole = text.with_lines(at, line(number)), whole[:at] + line(number) + whole[at:]
    for number in range(20 + len(places)):
        assert text.find(line(number), low, high) == whole.find(line(number), low, high)
        assert text.find(line(number), 0, text.size) == whole.index(line(number))


def test_an_insertion_copies_one_piece():
    """All other pieces are the very objects of the text before; what was made of it leaves that as it was."""
    first = Rope(b"".join(map(line, range(50)))).with_lines(0, line(50))
    before = bytes(first)
    second = first.with_lines(first.find(line(30), 0, first.size), line(51))
    kept = {id(piece) for piece in first} & {id(piece) for piece in second}
    assert len(kept) >= len(list(first)) - 1
    assert bytes(first) == before


def test_pieces_stay_short():
    """Ropes that grow are cut again, at line ends."""
    text = Rope(b"")
    for number in range(500):
        text = text.with_lines(0, line(number))
    assert max(map(len, text)) <= 2 * 24 + len(line(499))
    assert all(piece.endswith(b"\n") for piece in text)
