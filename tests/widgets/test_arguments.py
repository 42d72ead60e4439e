"""What the widgets take when they are made: what they can't is refused at once, not in the page."""

from __future__ import annotations

import pandas as pd
import pytest

from asimov.storage import RecordNotFoundError, Store
from asimov.storage.widgets import Explorer, Fetcher, Uploader, Verifier

WIDGETS = [Explorer, Fetcher, Uploader, Verifier]
WRONG = {
    "event of an Uploader": lambda store, _: Uploader(store, event=3),
    "a column as an event": lambda store, _: Uploader(store, event=pd.Series(["x"], name="S1")),
    "a path as a production": lambda store, path: Uploader(store, production=path),
    "server_root": lambda store, _: Uploader(store, server_root=3),
    "empty server_root": lambda store, _: Uploader(store, server_root=""),
    "file of a Fetcher": lambda store, path: Fetcher(store, file=path),
    "read_only": lambda store, _: Explorer(store, read_only="no"),
    "selection": lambda store, _: Verifier(store, 3),
    "selection without names": lambda store, _: Verifier(store, pd.DataFrame({"file": ["x"]})),
    "selection of a text": lambda store, _: Verifier(store, "S1"),
}


@pytest.mark.parametrize("widget", WIDGETS)
@pytest.mark.parametrize("wrong", ["results", None, 3, Store])
def test_a_widget_takes_a_store(widget, wrong):
    """What is no Store is a TypeError that says how to give one."""
    with pytest.raises(TypeError, match=rf"{widget.__name__}\(Store\("):
        widget(wrong)


@pytest.mark.parametrize("widget", WIDGETS)
def test_an_argument_of_no_name(store, widget):
    """An argument that is misspelled is a TypeError, as in any call."""
    with pytest.raises(TypeError, match="evnt"):
        widget(store, evnt="S1")


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_a_wrong_argument_is_refused(store, tmp_path, call):
    """An argument that can't be meant is a TypeError or a ValueError of one line."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call(store, tmp_path)
    assert "\n" not in str(caught.value)


def test_one_row_is_one_file(store, stored):
    """A Verifier of one Record, one key, one dict or one row says that it verifies one file, and verifies it."""
    (record,) = store
    frame = store.to_frame()
    for one in (record, record.key, frame.to_dict("records")[0], frame.iloc[0]):
        verifier = Verifier(store, one)
        assert verifier._initial["about"].startswith("1 selected file,")
        assert len(verifier.wait(20).results) == 1
        verifier.close()


def test_rows_of_another_store_are_not_verified(store, stored, tmp_path, source):
    """A Verifier of another Store's rows fails, and says so."""
    other = Store.create(tmp_path / "other", "n")
    other.add_file("S1", "Prod0", source())
    verifier = Verifier(store, other.to_frame())
    with pytest.raises(RecordNotFoundError):
        verifier.wait(20)
    assert verifier._shown["phase"] == "failed"
    verifier.close()
