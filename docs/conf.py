"""How Sphinx builds these pages: ``nox -s docs``, or ``sphinx-build -n -W --keep-going docs docs/_build/html``.

The tutorials are the notebooks of ``notebooks/``, stripped of outputs there; they are copied here and executed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from asimov.storage import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent

project = "asimov-storage"
author = "the asimov-storage developers"
copyright = "2026, the asimov-storage developers"
version = release = __version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx_click",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints", "_static"]
suppress_warnings = ["mystnb.unknown_mime_type"]  # widgets' views: the pages show a picture of them instead

# Names in single backticks of docstrings become links where they are ours, and stay as they are where not.
default_role = "autolink"
smartquotes_action = "q"  # the two dashes of an option stay two
nitpicky = True
nitpick_ignore_regex = [("py:obj", "[a-z_]+")]  # parameters, which docstrings put in backticks too

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpydoc's sections say the types
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

nb_execution_mode = "cache"  # a notebook that didn't change is not run again
nb_execution_cache_path = str(HERE / "_build" / "notebooks")
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 120  # seconds a cell
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # nothing from other servers: the pages work offline

# What the examples in docstrings and pages may use: a folder with a file to add, and a Store.
doctest_global_setup = """
import os, tempfile
from pathlib import Path
from asimov.storage import Store

_temporary = tempfile.TemporaryDirectory()
folder = Path(_temporary.name)
(folder / "samples.txt").write_text("chirp mass\\n30.7\\n")
_before = Path.cwd()
os.chdir(folder)
store = Store.create(folder / "prepared", "Prepared")
_added = store.add_file("GW150914", "Prod0", folder / "samples.txt")
"""
doctest_global_cleanup = """
os.chdir(_before)
_temporary.cleanup()
"""

html_theme = "pydata_sphinx_theme"
html_title = f"asimov-storage {version}"
html_static_path = ["_static"]
html_css_files = ["asimov-storage-docs.css"]
html_copy_source = html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "asimov-storage"},
    "show_toc_level": 2,
    "show_prev_next": True,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": []}


def copy_notebooks() -> None:
    """Copy the notebooks to where Sphinx finds them; those that have not changed stay as they are."""
    for notebook in sorted(HERE.parent.joinpath("notebooks").glob("[0-9]*.ipynb")):
        text = notebook.read_text(encoding="utf-8").replace("../docs/_static/", "../_static/")
        target = HERE / "tutorials" / notebook.name
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")


def hide_private_parameters(*event: object) -> tuple[object, object]:
    """Take parameters that only we give out of a signature that is shown."""
    signature, returns = event[-2:]
    return re.sub(r", _\w+=\w+", "", str(signature)) if signature else signature, returns


def setup(app: Sphinx) -> None:
    """Register what is our own: called by Sphinx."""
    app.connect("autodoc-process-signature", hide_private_parameters)


copy_notebooks()
