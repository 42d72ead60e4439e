"""The fixtures of the browser tests; harness.py says how to use them."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("harness")  # its assertions say what they saw, as a test's do

from harness import CHROMIUM_OPTIONS, Notebook, Server, chromium  # noqa: E402
from playwright.sync_api import expect, sync_playwright  # noqa: E402

expect.set_options(timeout=30_000)
_FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Start JupyterLab, once."""
    server = Server(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.close()


@pytest.fixture(scope="session")
def browser():
    """Start Chromium, once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def store(tmp_path):
    """Make an empty Store."""
    from asimov.storage import Store

    return Store.create(tmp_path / "store", "Browser's store")


@pytest.fixture(scope="session")
def context(browser):
    """Share one profile, so that JupyterLab's scripts are loaded and compiled once."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield context
    context.close()


@pytest.fixture(scope="session")
def lab_page(context):
    """Load JupyterLab once: it takes longer than most tests."""
    return context.new_page()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember whether the test failed, for its pages to be pictured."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def notebook(server, context, lab_page, request, tmp_path):
    """Open a notebook of the given cells, and run it."""
    opened = []

    def open_notebook(*cells, host="lab"):
        page = lab_page if host == "lab" else context.new_page()
        book = Notebook(server, page, server.write(cells), host)
        opened.append(book)
        if host != "voila":
            book.run()
        return book

    yield open_notebook
    for number, book in enumerate(opened):
        if request.node.stash.get(_FAILED, False):
            book.picture(tmp_path / f"failed-{number}.png")
        book.close()
    assert [error for book in opened for error in book.console_errors] == []
