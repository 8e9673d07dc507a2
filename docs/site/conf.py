"""Settings of the site; `make site` copies the pages beside this file and builds them."""

import re
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import jaxtyping  # noqa: F401 - first of all: signatures then name the axes of arrays

project = "XAI Heatmap"
author = "the authors of XAI Heatmap"
version = release = version_of("xai-heatmap")
html_title = "XAI Heatmap"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]
root_doc = "index"
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
suppress_warnings = ["misc.highlighting_failure", "myst.xref_missing"]  # the build follows links

default_role = "autolink"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_attr_annotations = False

html_theme = "furo"
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_search_scorer = str(Path(__file__).with_name("scorer.js"))
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

STAR, BAR = re.compile(r"(?<![\w*`\\])\*(?=\w+[^\w*])"), re.compile(r"\|")
CODE = re.compile(r"(``.+?``|`[^`]+`)")


def escaped(_app: Any, _what: str, _name: str, _of: Any, _how: Any, lines: list[str]) -> None:
    """Shapes such as (n, *grid) and magnitudes such as |x| are no markup."""
    for number, line in enumerate(lines):
        parts = CODE.split(line)
        parts[::2] = [BAR.sub(r"\|", STAR.sub(r"\*", part)) for part in parts[::2]]
        lines[number] = "".join(parts)


def setup(app: Any) -> None:
    """Hook the above in, before the sections of numpy's style are read."""
    app.connect("autodoc-process-docstring", escaped, priority=400)
