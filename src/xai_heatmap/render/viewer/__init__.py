"""Pages with the viewer and their data inside, each one file that asks nobody for anything."""

import base64
import gzip
import html
import io
import json
import re
from collections.abc import Mapping
from importlib.resources import files

import PIL.Image

from xai_heatmap.core.arrays import Image

TEMPLATE, WITH_NETWORK = "report.html", "exported.html"
"""Written by `make ui` from `apps/web/ui`."""

LONGEST = 1280
"""Pixels of a picture's longer side in a page."""

QUALITY = 85
"""Quality of the JPEGs in a page."""


def page(title: str, held: Mapping[str, object]) -> str:
    """A page as text: opened from disk it shows what it holds, with the viewer of the web app.

    Parameters
    ----------
    title
        What stands in the head of the page, as it is.
    held
        What the page shows, in plain values; the interface ``Held`` of ``ui/src/backend/page.ts``.
    """
    return _filled(TEMPLATE, {"TITLE-SLOT": html.escape(title), "DATA-SLOT": _data(held)})


def network_page(
    title: str, facts: Mapping[str, object], *, runtime: bytes, wasm: bytes, graph: bytes
) -> str:
    """A page as text that runs a network: the viewer, a runtime and a graph, compressed.

    Parameters
    ----------
    title
        What stands in the head of the page.
    facts
        Of the network; the interface ``Facts`` of ``ui/src/backend/local.ts``.
    runtime, wasm
        The script of ONNX Runtime for browsers, and its WebAssembly.
    graph
        An ONNX file with maps built in.
    """
    parts = {"RUNTIME-SLOT": runtime, "WASM-SLOT": wasm, "GRAPH-SLOT": graph}
    slots = {slot: base64.b64encode(_compressed(own)).decode() for slot, own in parts.items()}
    slots |= {"TITLE-SLOT": html.escape(title), "FACTS-SLOT": _data(facts), "CONNECT-SLOT": ""}
    return _filled(WITH_NETWORK, slots)


def network_site(title: str, facts: Mapping[str, object]) -> str:
    """The same page with runtime and graph as files beside it, named in ``facts["files"]``.

    It may ask the server that it came from, and no other.
    """
    slots = dict.fromkeys(("RUNTIME-SLOT", "WASM-SLOT", "GRAPH-SLOT"), "")
    slots |= {"TITLE-SLOT": html.escape(title), "FACTS-SLOT": _data(facts)}
    return _filled(WITH_NETWORK, slots | {"CONNECT-SLOT": " connect-src 'self';"})


def _compressed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _data(held: Mapping[str, object]) -> str:
    """JSON for an element of a page: within <script>, "<" alone could end the element."""
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _filled(template: str, slots: Mapping[str, str]) -> str:
    """A template with its slots filled in one go: what is filled in stays as it is."""
    text = files(__name__).joinpath(template).read_text("utf-8")
    return re.sub("|".join(slots), lambda slot: slots[slot[0]], text)


def picture_url(picture: Image, *, longest: int = LONGEST) -> str:
    """A picture as a ``data:`` address, made smaller where a side is longer than that."""
    image = PIL.Image.fromarray(picture)
    image.thumbnail((longest, longest), PIL.Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()
