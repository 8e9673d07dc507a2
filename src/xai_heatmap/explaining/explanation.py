"""An explanation: a map with the facts to draw it, judge it, compare it and make it again."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from xai_heatmap.core.arrays import DrawnOut, Image
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.network import INPUT
from xai_heatmap.explaining.channels import pair, side_by_side
from xai_heatmap.explaining.facts import Facts
from xai_heatmap.explaining.notebook import page, preview
from xai_heatmap.explaining.viewable import Viewable
from xai_heatmap.render.arrays import drawn
from xai_heatmap.render.bars import bars
from xai_heatmap.render.caption import Word, captioned, words
from xai_heatmap.render.heat import drawn_out, heat, scaled, top
from xai_heatmap.render.legend import with_legend
from xai_heatmap.render.page import Picture
from xai_heatmap.render.photograph import photograph
from xai_heatmap.render.plane import nothing_beneath
from xai_heatmap.render.signal import TEXT
from xai_heatmap.sinks.folder import save


@dataclass(frozen=True)
class Explanation(Viewable, Facts):
    """Explanation of one number that a network gave for one picture: a map, with its facts.

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
    features
        Names of the features, of a row of a table.
    said
        What is to be known of how it was taken, in sentences.
    tested
        Whether the map predicts what moves the explained number; None where nobody asked.
    instead
        The usual map, of a guarded map that failed its test.
    retake
        What `test` goes by; not kept where an explanation is pickled or copied deeply.
    """

    def test(self, network: Any, *, passes: int = 64) -> "Explanation":
        """The explanation with `tested`: whether its map predicts what moves the explained number
        when halves of the input are taken away, in at most `passes` forward passes, 32, 64 or 128.

        Raises
        ------
        BadOption
            If the explanation came out of a file, or the network is another one.
        """
        if self.retake is None:
            raise BadOption(
                "This explanation does not know its input any more: it was copied, or comes out "
                "of a file. Ask for the test where the map is made: "
                "xai_heatmap.explain(network, picture, test=True)."
            )
        return self.retake(self, network, passes)

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
        contour: bool | None = None,
        legend: bool = False,
        caption: bool = False,
        scale: Literal["max", "p99"] | float | None = None,
        axis: int | None = None,
        slices: int | Sequence[int] | None = None,
        dim: bool = True,
        mute: bool | None = None,
        smooth: bool = True,
    ) -> Image:
        """The map over the original picture, uint8 RGB (H, W, 3); without evidence, the picture
        itself.

        A signal is drawn as lines over time with the heat behind them, a volume as a sheet of
        slices that share one scale, a row of a table as a bar for each feature, and a map for each
        channel as a sheet of these.

        Parameters
        ----------
        colormap
            ``inferno``, ``viridis``, ``gray``, ``jet`` or ``bluered``; by default inferno, bluered
            where signed.
        alpha
            Opacity of the strongest relevance, in [0, 1]; opacity follows relevance down to 0. With
            0 the outline alone is drawn.
        contour
            Outline the places that have at least half of the strongest relevance; None: on grids of
            up to 32x32, and pictures of 64 pixels a side or more.
        legend
            Add a bar with the raw values that the colours stand for (the picture grows by it).
        caption
            Add a line that says what is shown, as `save` does (the picture grows by it).
        scale
            As for `heat`; None is ``p99`` for a map of the pixels themselves, whose strongest few
            would leave nothing else to be seen, and ``max`` for any other.
        axis, slices
            Of a volume: across which of its axes it is cut, 0, 1 or 2, by default the first; and
            how many slices are shown, evenly spread with the hottest among them, or which, by the
            numbers that stand below them: counted from 1.
        dim
            Show what the network did not see of a picture dark and grey, and outline the rest.
        mute
            Draw over a greyer and darker picture: True. None: where the hottest place would not
            stand out otherwise, and no more than that takes. False: over the picture as it is.
        smooth
            Draw a coarse grid in curves through its values. False: in straight lines, as `heat` is.
        """
        if self.instead is not None:
            return self._pair({n: own for n, own in locals().items() if n != "self"})
        if (axis, slices) != (None, None) and (self.map.ndim != 3 or self.channels):
            raise BadOption(
                "axis and slices choose what is shown of a volume, whose map has 3 axes; this one "
                f"has {self.map.ndim}. Leave them out."
            )
        if scale is None:
            scale = "p99" if self.layer.name == INPUT else "max"
        highest = top(self.heat(scale="none"), to=scale, signed=self.signed)
        colors = colormap or ("bluered" if self.signed else "inferno")
        how: dict[str, Any] = {
            "colormap": colors, "alpha": alpha, "mute": mute,
            "outlined": self.outlined if contour is None else contour,
        }  # fmt: skip
        if self.features and self.array is not None:
            values = self.map.tolist(), self.array[0].tolist()
            picture = bars(self.features, *values, colormap=colors)
            return self.captioned(picture) if caption else picture
        if self.channels:
            how |= {"dim": dim, "smooth": smooth, "scale": highest or "max"}
            how["contour"] = how.pop("outlined")
            picture = side_by_side([one.overlay(**how) for one in self.channels])
        elif self.array is None and self.map.ndim == self.axes:
            strength = self._strength(highest, smooth=smooth)
            own, how["geometry"] = self.detection, self.geometry if dim else None
            how |= {"box": own.box, "number": own.number} if own else {}
            picture = photograph(self.image, strength, **how)
        else:
            strength = self._strength(highest, smooth=smooth)
            own = self.array if self.map.ndim == self.axes else None
            beneath = nothing_beneath(self.map) if own is None else own
            picture = drawn(beneath, strength, axis=axis or 0, slices=slices, **how)
        if legend:
            picture = with_legend(
                picture,
                low=-highest if self.signed else 0.0,
                high=highest,
                colormap=colors,
                title=self.caption,
                text=None if self.array is None else TEXT,
            )
        return self.captioned(picture) if caption else picture

    def _pair(self, how: dict[str, Any]) -> Image:
        """A map that failed its test and the usual one, each with its caption."""
        how["caption"] = True
        return pair(*(one.overlay(**how) for one in (replace(self, instead=None), self.instead)))

    def captioned(self, picture: Picture) -> Picture:
        """A picture of this explanation with a line below it: what is explained, how sure the
        network is of it, method, layer, verdict, test. Below two maps stands one each already.
        """
        if self.instead is not None:
            return picture
        return captioned(
            picture,
            words(
                self.target,
                self.index,
                score=self.score,
                likely=self.probability,
                method=self.method,
                layer=self.layer.name,
                verdict=self.verdict.word,
                tested=None
                if self.tested is None
                else Word(self.tested.short, alarming=not self.tested.passed),
            ),
        )

    def _strength(self, highest: float, *, smooth: bool) -> DrawnOut:
        """The heat as it is drawn, in which so much relevance is 1."""
        if self.verdict.word == "cancelled" or not highest:
            return np.zeros_like(self._upsampled())
        return scaled(self._upsampled(smooth=smooth), to=highest, signed=self.signed)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        picture: Image | None = None,
        stem: str | None = None,
        caption: bool | None = None,
    ) -> list[Path]:
        """Write picture (PNG), raw map (NPZ) and an entry in ``manifest.json``: all or nothing.

        Only the same result, of one picture, question and score, replaces what was saved before;
        any other of that name gets a number: ``cat.gradcam-2.png``. Of a signal or a volume the NPZ
        also holds ``upsampled``, the raw map at full length along every axis.

        Parameters
        ----------
        folder
            Made if it is not there. A name that ends in ``.html``: a page, as of a comparison.
        picture
            What to write instead of ``overlay()``.
        stem
            What to call the files instead of `stem`.
        caption
            Whether a line below says what is shown; None: below `overlay()`, not a `picture`.

        Returns
        -------
        The files written: picture, arrays, manifest; or the page.

        Raises
        ------
        BadOption
            For a page with `picture`, `stem` or `caption`: a page draws its maps itself.
        """
        if page := self._page(Path(folder), [self], picture=picture, stem=stem, caption=caption):
            return page
        shown = self.overlay() if picture is None else picture
        wanted = picture is None if caption is None else caption
        full = {} if self.array is None else {"upsampled": self._upsampled()}
        return save(
            folder, stem or self.stem, picture=self.captioned(shown) if wanted else shown,
            arrays={"map": self.map} | full, manifest=self.to_dict(), identity=self.identity,
        )  # fmt: skip

    def _upsampled(self, *, smooth: bool = False) -> DrawnOut:
        """The raw map at the size of what it explains; as it is where its grid is another."""
        if self.channels:
            return np.stack([one.heat(scale="none") for one in self.channels])
        if self.map.ndim != self.axes:
            return self.map
        if self.geometry is not None:
            return heat(self.map, self.geometry, smooth=smooth, extent=self.extent)
        if self.array is None:
            return self.map
        return drawn_out(self.map, self.array.shape[1:], smooth=smooth, extent=self.extent)

    def _repr_png_(self) -> bytes:
        return preview(self.overlay())

    def _repr_html_(self) -> str:
        facts = (self.target, f"score {self.score:.3g}", self.method, self.layer)
        return page(preview(self.overlay()), *facts, self.verdict, self.predictions, self.notes)
