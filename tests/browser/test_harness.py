"""The harness itself: a widget shows in each of the three places, and answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

CELL = '''
from asimov.storage.widgets._messages import request
from asimov.storage.widgets._module import PAGE, joined
from asimov.storage.widgets._panel import Panel

class Hello:
    @request("hello")
    def hello(self, message):
        return f"hello {message.text('name')}"

class HelloPanel(Panel):
    _esm = joined(*PAGE) + """
    export default { render: rendering((link, root) => {
      const status = statusRegion();
      root.append(button("Hello", async () => {
        const reply = await link.request("hello", { name: "<b>you</b>" });
        status.textContent = reply.result;
      }), status);
    }) };
    """
    def __init__(self):
        super().__init__()
        self._serve(Hello())

widget = HelloPanel()
widget
'''


@pytest.mark.parametrize("host", ["lab", "notebook", "voila"])
def test_a_widget_shows_and_answers(notebook, host):
    """In JupyterLab, Notebook 7 and Voilà a widget of ours shows, and a click reaches the kernel and comes back."""
    book = notebook(CELL, host=host)
    book.widget().get_by_role("button", name="Hello").click()
    expect(book.widget().get_by_role("status")).to_have_text("hello <b>you</b>")


def test_a_notebook_can_be_asked(notebook):
    """A test evaluates an expression in the kernel of its notebook."""
    assert notebook("x = [1, 'a']").value("x * 2") == [1, "a", 1, "a"]
