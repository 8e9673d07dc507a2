"""An explanation as a notebook shows it: a static picture with its facts, no script."""

import base64
import io
from collections.abc import Sequence

import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.network import Layer
from xai_heatmap.core.prediction import Prediction
from xai_heatmap.core.verdict import Verdict

PREVIEW = 640
"""Longest side, in pixels, of the picture that a notebook shows."""


def preview(picture: Image) -> bytes:
    """The picture as PNG, no larger than a notebook's column."""
    shown = PIL.Image.fromarray(picture)
    shown.thumbnail((PREVIEW, PREVIEW))
    written = io.BytesIO()
    shown.save(written, "PNG")
    return written.getvalue()


def page(
    png: bytes,
    target: str,
    score: str,
    method: str,
    layer: Layer,
    verdict: Verdict,
    predictions: Sequence[Prediction],
    notes: Sequence[str],
) -> str:
    """The picture, and beside it what was explained, how, and what the network says."""
    import html  # with the name of every character

    source = base64.b64encode(png).decode()
    said = f"{target}, explained by {method} at {layer.name}"
    rows = "".join(
        f"<tr><td>{html.escape(p.label)}</td><td "
        f"style='text-align:right'>{p.probability:.3f}</td></tr>"
        for p in predictions
    )
    words = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return (
        "<figure style='display:flex;gap:1.5em;align-items:flex-start;margin:0;flex-wrap:wrap'>"
        f"<img alt='{html.escape(said, quote=True)}' src='data:image/png;base64,{source}'>"
        f"<figcaption><b>{html.escape(target)}</b> ({score})<br>"
        f"{html.escape(method)} at {html.escape(layer.name)} "
        f"({'x'.join(map(str, layer.shape))})<br>verdict: {html.escape(verdict.word)}"
        f"<table>{rows}</table>{words}</figcaption></figure>"
    )
