"""What comes out: a map with all that is needed to draw it, judge it, compare it and make it
again.
"""

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import DrawnOut, Image, Input, Map
from xai_heatmap.core.boxes.detections import Detection
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.filling import plain_options
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import INPUT, Layer
from xai_heatmap.core.prediction import Prediction
from xai_heatmap.core.targets.answer import ROW, Form, Meaning
from xai_heatmap.core.verdict import Verdict
from xai_heatmap.explaining.channels import side_by_side
from xai_heatmap.render.arrays import drawn
from xai_heatmap.render.contour import contour as outlined
from xai_heatmap.render.frame import framed
from xai_heatmap.render.heat import drawn_out, heat, scaled, top
from xai_heatmap.render.legend import with_legend
from xai_heatmap.render.overlay import overlay
from xai_heatmap.render.plane import nothing_beneath
from xai_heatmap.render.signal import TEXT
from xai_heatmap.render.unseen import dimmed
from xai_heatmap.sinks.folder import safe_stem, save
from xai_heatmap.sinks.identity import identity

FAR = 0.5
"""A box that overlaps the one asked for by less is worth a word."""

PREVIEW = 640
"""Longest side, in pixels, of the picture that a notebook shows."""


@dataclass(frozen=True)
class Explanation:
    """Why a network gave one number for one picture, as a map, with the facts it came from.

    It is not a segmentation: a map says where evidence was, not where the object ends.

    Parameters
    ----------
    map
        The method's raw answer on the layer's grid, never normalised.
    image, name
        The original picture and what it is called; of a signal or a volume, a drawing of it.
    geometry
        Which rectangle of the picture the network saw; None for what is no picture.
    method, options, signed
        How the map was made, and whether negative values are evidence against.
    layer, layer_reason
        Where; the reason is filled in where the layer was chosen automatically.
    target, index, score
        What was explained, which class that is about if one, and how strongly the network said so.
    predictions
        The likeliest classes, most likely first.
    verdict
        What the map is worth.
    network, preprocess, meaning, form
        Which model, how it got the picture, what its scores are and of how many places.
    detection
        The box that is explained, of a detector.
    array
        The signal (c, l) or the volume (c, d, h, w) as the network took it; None for a picture.
    regions
        Where regions were given, what the method says of each by its number: its label, or its
        place in the stack of masks.
    said
        What is to be known of how it was taken, in sentences.
    """

    map: Map
    image: Image
    name: str
    geometry: Geometry | None
    method: str
    layer: Layer
    target: str
    score: float
    predictions: Sequence[Prediction]
    verdict: Verdict
    network: str
    index: int | None = None
    layer_reason: str = ""
    signed: bool = False
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    preprocess: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    meaning: Meaning = "logits"
    form: Form = ROW
    detection: Detection | None = None
    array: Input | None = None
    regions: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    said: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the map should know, in sentences."""
        notes = [*self.said, *self._of_what_was_seen()]
        if self.meaning == "log-probabilities":
            notes.append(
                "The model answers probabilities, and the softmax that makes them could not be "
                "left out; "
                "their logarithm is explained instead of the logit."
            )
        if self.meaning == "values":
            notes.append(
                "The output is a value and no class: the map shows what raises it, and what lowers "
                "it where the method is signed or the target is negative."
            )
        if self.meaning == "log-odds":
            notes.append(
                "The model answers probabilities; the logit that a sigmoid made them from is "
                "explained, log p - log(1 - p)."
            )
        if self.form.boxes is not None:
            notes += self._of_boxes()
        elif self.form != ROW:
            places = "x".join(map(str, self.form.grid))
            notes.append(
                f"The network scores every class at {places} places; predictions are shares of "
                "them, and a class without a region is explained where it wins."
            )
        if self.meaning == "probabilities":
            notes.append(
                "The model's output is explained as it stands, after its closing function."
            )
        if self.verdict.word != "ok":
            notes.append(str(self.verdict))
        figures = [
            f"{name} unknown" if figure is None else f"{name} {figure:.3g}"
            for name, figure in self.verdict.figures.items()
        ]
        notes += [", ".join(figures) + "."] if figures else []
        return tuple(notes)

    def _of_what_was_seen(self) -> list[str]:
        """How much of the picture the network saw, where that is not all."""
        if self.geometry is None or self.geometry.share == 1:
            return []
        left, top, right, bottom = self.geometry.seen
        rows, columns = self.geometry.image_size
        share = min(round(100 * self.geometry.share), 99)  # never "100 %" of what was cut
        said = (
            f"The network saw {share} % of the picture, its columns {left} to {right} of {columns} "
            f"and rows {top} to {bottom} of {rows}; the rest was cropped away and is drawn dimmed. "
            "The fit 'stretch' or 'letterbox' shows it all."
        )
        return [said]

    def _of_boxes(self) -> list[str]:
        """What a detector answers, and how far its box is from the one asked for."""
        found = self.detection
        if found is None:
            return []
        said = (
            f"Of the detector's {self.form.places} boxes, number {found.query} is explained, "
            f"{found.label} with probability {found.probability:.3f}; the outline is that box."
        )
        notes = [said]
        if found.overlap is not None and found.overlap < FAR:
            notes.append(
                f"It overlaps the box that was asked for by {found.overlap:.0%} only; none is "
                "nearer."
            )
        return notes

    @property
    def axes(self) -> int:
        """Of the grid of what is explained: 1 of a signal, 2 of a picture, 3 of a volume."""
        return 2 if self.array is None else self.array.ndim - 1

    @property
    def channels(self) -> "tuple[Explanation, ...]":
        """The same of each channel of the input, where the map is (c, *grid) as the option
        ``channels="each"`` makes it; none of a map of all channels together.
        """
        if self.options.get("channels") != "each" or self.map.ndim != self.axes + 1:
            return ()
        own = {name: value for name, value in self.options.items() if name != "channels"}
        return tuple(replace(self, map=one, options=own) for one in self.map)

    @property
    def stem(self) -> str:
        """The name its files get: picture, method, layer and target."""
        picture = Path(self.name).stem
        sides = [side.partition(",")[0] for side in self.target.split(" - ")]  # first synonyms
        target = "-".join(sides).replace(" ", "_")
        method = self.method.replace(":", "-")
        return safe_stem(f"{picture}.{method}.{self.layer.name}.{target}")

    @property
    def identity(self) -> str:
        """A digest of the picture and of what was asked, 16 hexadecimal digits.

        A saved result is replaced only by one with the same digest, so that other pictures of the
        same name, other options or other networks never overwrite it.
        """
        return identity(self.image if self.array is None else self.array, self.to_dict())

    @property
    def caption(self) -> str:
        """Layer, method and target in one line."""
        return f"{self.layer.name} · {self.method} · {self.target}"

    def heat(self, *, scale: Literal["max", "p99", "none"] | float = "max") -> DrawnOut:
        """The map drawn out over the original picture, float32 (H, W); of a signal (l,), of a
        volume (d, h, w). With a first axis of channels where the map has a map for each.

        Parameters
        ----------
        scale
            ``max``: the strongest place becomes 1, in [0, 1], or in [-1, 1] for a signed method.
            ``p99``: the 99th percentile does. A number: that relevance becomes 1, which makes
            pictures comparable. ``none``: raw. A map of nothing but rounding stays empty in all
            others.
        """
        drawn = self._upsampled()
        if scale != "none" and self.verdict.word == "cancelled":
            return np.zeros_like(drawn)
        return drawn if scale == "none" else scaled(drawn, to=scale, signed=self.signed)

    def overlay(
        self,
        *,
        colormap: str | None = None,
        alpha: float = 0.75,
        contour: bool = False,
        legend: bool = False,
        scale: Literal["max", "p99"] | float | None = None,
        axis: int | None = None,
        slices: int | Sequence[int] | None = None,
        dim: bool = True,
    ) -> Image:
        """The map over the original picture, uint8 RGB (H, W, 3); without evidence, the picture
        itself.

        A signal is drawn as lines over time with the heat behind them, a volume as a sheet of
        slices that share one scale, and a map for each channel as a sheet of these.

        Parameters
        ----------
        colormap
            ``inferno``, ``viridis``, ``gray``, ``jet`` or ``bluered``; by default inferno, bluered
            where signed.
        alpha
            Opacity of the strongest relevance, in [0, 1]; opacity follows relevance down to 0.
        contour
            Outline the places that have at least half of the strongest relevance.
        legend
            Add a bar with the raw values that the colours stand for (the picture grows by it).
        scale
            As for `heat`; None is ``p99`` for a map of the pixels themselves, whose strongest few
            would leave nothing else to be seen, and ``max`` for any other.
        axis, slices
            Of a volume: across which of its axes it is cut, 0, 1 or 2, by default the first; and
            how many slices are shown, evenly spread with the hottest among them, or which, by the
            numbers that stand below them: counted from 1.
        dim
            Show what the network did not see of a picture dark and grey, and outline the rest.
        """
        if scale is None:
            scale = "p99" if self.layer.name == INPUT else "max"
        colors = colormap or ("bluered" if self.signed else "inferno")
        strength = self.heat(scale=scale)
        if (axis, slices) != (None, None) and (self.map.ndim != 3 or self.channels):
            raise BadOption(
                "axis and slices choose what is shown of a volume; this map has "
                f"{self.map.ndim} axes. Leave them out."
            )
        if self.channels:
            whole = top(self.heat(scale="none"), to=scale, signed=self.signed) or "max"
            how = {"colormap": colors, "alpha": alpha, "contour": contour, "scale": whole}
            cut = {"axis": axis, "slices": slices, "dim": dim}
            picture = side_by_side([one.overlay(**how, **cut) for one in self.channels])
        elif self.array is None and self.map.ndim == self.axes:
            picture = overlay(self.image, strength, colormap=colors, alpha=alpha)
            picture = dimmed(picture, self.geometry) if dim and self.geometry else picture
            picture = outlined(picture, strength) if contour else picture
            picture = framed(picture, self.detection.box) if self.detection else picture
        else:
            how = {"colormap": colors, "alpha": alpha, "marked": contour}
            own = self.array if self.map.ndim == self.axes else None
            beneath = nothing_beneath(self.map) if own is None else own
            picture = drawn(beneath, strength, axis=axis or 0, slices=slices, **how)
        if legend:
            highest = top(self.heat(scale="none"), to=scale, signed=self.signed)
            picture = with_legend(
                picture,
                low=-highest if self.signed else 0.0,
                high=highest,
                colormap=colors,
                title=self.caption,
                text=None if self.array is None else TEXT,
            )
        return picture

    def to_dict(self) -> dict[str, object]:
        """Every fact but the arrays, as plain values; the map's own range is among them."""
        return {
            "image": self.name,
            "network": self.network,
            "layer": self.layer.name,
            "layer_shape": list(self.layer.shape),
            "layer_reason": self.layer_reason,
            "method": self.method,
            "options": plain_options(self.options),
            **({"regions": dict(self.regions)} if self.regions else {}),
            "target": self.target,
            "target_index": self.index,
            **({} if self.detection is None else {"detection": vars(self.detection)}),
            "score": self.score,
            "meaning": self.meaning,
            "places": list(self.form.grid),
            "predictions": [vars(prediction) for prediction in self.predictions],
            "verdict": vars(self.verdict) | {"figures": dict(self.verdict.figures)},
            "notes": list(self.notes),
            "map_range": [float(self.map.min()), float(self.map.max())],
            "preprocess": dict(self.preprocess),
            "geometry": self.geometry.to_dict() if self.geometry else None,
            "input_shape": None if self.array is None else list(self.array.shape),
            "xai_heatmap": _version(),
        }

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        picture: Image | None = None,
        stem: str | None = None,
    ) -> list[Path]:
        """Write picture (PNG), raw map (NPZ) and an entry in ``manifest.json``: all or nothing.

        What was saved before is replaced only where it is the same result: the same picture, the
        same question, the same score. Any other of that name gets a number: ``cat.gradcam-2.png``.
        Of a signal or a volume the NPZ also holds ``upsampled``, the raw map at full length along
        every axis.

        Parameters
        ----------
        folder
            Made if it is not there.
        picture
            What to write instead of ``overlay()``.
        stem
            What to call the files instead of `stem`.

        Returns
        -------
        The files written: picture, arrays, manifest.
        """
        return save(
            folder,
            stem or self.stem,
            picture=self.overlay() if picture is None else picture,
            arrays={"map": self.map}
            | ({} if self.array is None else {"upsampled": self._upsampled()}),
            manifest=self.to_dict(),
            identity=self.identity,
        )

    def _upsampled(self) -> DrawnOut:
        """The raw map at the size of what it explains; as it is where its grid is another."""
        if self.channels:
            return np.stack([one.heat(scale="none") for one in self.channels])
        if self.map.ndim != self.axes:
            return self.map
        if self.geometry is not None:
            return heat(self.map, self.geometry)
        return self.map if self.array is None else drawn_out(self.map, self.array.shape[1:])

    def _preview(self) -> bytes:
        picture = PIL.Image.fromarray(self.overlay())
        picture.thumbnail((PREVIEW, PREVIEW))
        written = io.BytesIO()
        picture.save(written, "PNG")
        return written.getvalue()

    def _repr_png_(self) -> bytes:
        return self._preview()

    def _repr_html_(self) -> str:
        source = base64.b64encode(self._preview()).decode()
        said = f"{self.target}, explained by {self.method} at {self.layer.name}"
        rows = "".join(
            f"<tr><td>{html.escape(p.label)}</td><td "
            f"style='text-align:right'>{p.probability:.3f}</td></tr>"
            for p in self.predictions
        )
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            "<figure style='display:flex;gap:1.5em;align-items:flex-start;margin:0;flex-wrap:wrap'>"
            f"<img alt='{html.escape(said, quote=True)}' src='data:image/png;base64,{source}'>"
            f"<figcaption><b>{html.escape(self.target)}</b> (score {self.score:.3g})<br>"
            f"{html.escape(self.method)} at {html.escape(self.layer.name)} "
            f"({'x'.join(map(str, self.layer.shape))})<br>verdict: {html.escape(self.verdict.word)}"
            f"<table>{rows}</table>{notes}</figcaption></figure>"
        )


def _version() -> str:
    try:
        return version("xai-heatmap")
    except PackageNotFoundError:
        return "unknown"
