"""The page of reports: the viewer with its data inside, one file that asks nobody for anything."""

import base64
import html
import io
import json
import re
from collections.abc import Mapping
from importlib.resources import files

import PIL.Image

from xai_heatmap.core.arrays import Image

TEMPLATE = "report.html"
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
    text = json.dumps(held, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Within <script>, "<" alone could end the element; JSON has another way to write it.
    slots = {"TITLE-SLOT": html.escape(title), "DATA-SLOT": text.replace("<", "\\u003c")}
    template = files(__name__).joinpath(TEMPLATE).read_text("utf-8")
    return re.sub("|".join(slots), lambda slot: slots[slot[0]], template)  # what is filled in stays


def picture_url(picture: Image, *, longest: int = LONGEST) -> str:
    """A picture as a ``data:`` address, made smaller where a side is longer than that."""
    image = PIL.Image.fromarray(picture)
    image.thumbnail((longest, longest), PIL.Image.Resampling.LANCZOS)
    written = io.BytesIO()
    image.save(written, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()
