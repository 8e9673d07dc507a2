"""`XVisTool`: heatmap, filters and predictions of a still image or of a camera's frames."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from xai_heatmap.compat.activations import tiles
from xai_heatmap.compat.heatmap import painted
from xai_heatmap.compat.layers import numbered
from xai_heatmap.compat.looking import answered, heatmap, inputs, look, numbers
from xai_heatmap.compat.pictures import Picture, from_cv2
from xai_heatmap.core.arrays import Image, Inputs
from xai_heatmap.core.errors import BadOption, InputError
from xai_heatmap.core.geometry import Geometry, Size
from xai_heatmap.core.layers.selection import grids
from xai_heatmap.core.listed import class_names
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.preparing import preparation
from xai_heatmap.networks import network
from xai_heatmap.sources.preprocess import Preprocess

Result = dict[str, Any]
"""``heatmap``: uint8 BGR; ``activations``: `Tiles`; ``predictions``: what the decoder made."""


class XVisTool:
    """One glance at a network: heatmap, filters and predictions, at any of its layers.

    Every run is one forward pass. No camera is opened: frames are handed in.

    Parameters
    ----------
    model
        As for `XAIHeatmap`.
    input_size
        Rows and columns (h, w) that the model takes, or one number for a square.
    decoder_func
        From what the model answers, float32 (1, classes), to what stands under ``predictions``; a
        function like Keras's ``decode_predictions``. Without one: the five likeliest classes.
    preprocess_img_func
        From the picture at the input size, float32 (1, h, w, 3) RGB in 0 to 255, to the model's
        batch, in that layout or channels first; a function like Keras's ``preprocess_input``. Or a
        preset's name (``imagenet``, ``tf``, ...), or a `xai_heatmap.Preprocess`, as for
        `xai_heatmap.explain`, so that both see the same of a picture.
        Without one: as the model itself declares, else the pixels as they are.
    labels
        Names of the classes in output order.
    target, scale
        As for `XAIHeatmap`.
    rank
        Whether filters come with the most important first.

    Attributes
    ----------
    last
        The `xai_heatmap.Explanation` of the last run.
    """

    def __init__(
        self,
        model: Any,
        input_size: int | Sequence[int],
        decoder_func: Callable[[np.ndarray], Any] | None = None,
        preprocess_img_func: Callable[[np.ndarray], Any] | str | Preprocess | None = None,
        *,
        labels: Sequence[str] = (),
        target: Choice | int | str | None = None,
        scale: Literal["max", "p99"] | float = "max",
        rank: bool = False,
    ) -> None:
        self.model = model
        self.input_size = _rows_and_columns(input_size)
        self.decoder_func = decoder_func
        self.preprocess_img_func = preprocess_img_func
        self.labels = class_names(labels) or ()
        self.target = target
        self.scale: Literal["max", "p99"] | float = scale
        self.rank = rank
        self.last: Explanation | None = None
        self._network = network(model)
        self._still: Image | None = None
        self._layers: list[str] | None = None

    @property
    def layers(self) -> list[str]:
        """Every layer that a heatmap can be drawn of, by its full name, in order of execution."""
        if self._layers is None:
            channels = (self._network.declared.input_shape or (3,))[0]
            self._layers = grids(self._network.survey((channels, *self.input_size)))
        return self._layers

    def getLayers(self) -> list[str]:
        """`layers`."""
        return self.layers

    def setStillImg(self, image: Picture) -> None:
        """Take a picture for `stillImgRun`: a path, or an array as OpenCV has it."""
        self._still = from_cv2(image)

    def stillImgRun(self, i: int) -> Result:
        """Heatmap, activations and predictions of the still image at layer number `i`.

        Raises
        ------
        BadOption
            If no still image was set.
        """
        if self._still is None:
            raise BadOption("There is no still image yet; setStillImg(path or array) takes one.")
        return self._run(self._still, i)

    def vidCapRun(self, frame: np.ndarray | None, i: int) -> Result:
        """Heatmap, activations and predictions of one frame at layer number `i`.

        Raises
        ------
        InputError
            If there is no frame: a camera that gives none answers None.
        """
        if frame is None:
            raise InputError(
                "A frame was needed; received None, which is what a camera answers that is absent, "
                "in use or at its end. Check what its read() returned first."
            )
        return self._run(from_cv2(frame), i)

    def live(self, **how: Any) -> Any:
        """Open the web app before a camera, with this tool's network, preprocessing and labels:
        turn through the layers and see what each filter does, live. Needs the extra ``web``.

        Parameters
        ----------
        **how
            As of `xai_heatmap.serve`: ``device=0`` for a camera of this machine, ``port``,
            ``browser``, ``wait=False``.
        """

        def prepared(image: Image) -> tuple[Any, Geometry]:
            x, geometry = self._prepared(image)
            return x[0], geometry

        serve = importlib.import_module("xai_heatmap").serve  # the app stands above this room
        usual: dict[str, Any] = {"camera": True, "labels": self.labels or None}
        return serve(self._network, preprocess=prepared, **usual | how)

    def _run(self, image: Image, number: int) -> Result:
        layer = numbered(self.layers, number)
        x, geometry = self._prepared(image)
        asked = look(
            self._network,
            x,
            layer,
            image=image,
            geometry=geometry,
            target=self.target,
            labels=self.labels,
        )
        self.last = heatmap(*asked)
        decode = self.decoder_func or (lambda _: self.last and self.last.predictions)
        return {
            "heatmap": painted(self.last, scale=self.scale),
            "activations": tiles(*asked, rank=self.rank),
            "predictions": self.last.predictions
            if decode is None
            else decode(answered(asked[0])[None]),
        }

    def _prepared(self, image: Image) -> tuple[Inputs, Geometry]:
        said = self.preprocess_img_func
        if not callable(said) or isinstance(said, Preprocess):
            x, geometry, _ = preparation(self._wanted(said), self._network)(image)
            return x[None], geometry
        channels = (self._network.declared.input_shape or (3,))[0]
        whole = Preprocess("raw", input_size=self.input_size, channels=channels, fit="stretch")
        x, geometry = whole(image)
        batch = numbers(said(np.ascontiguousarray(x.transpose(1, 2, 0)[None])))
        if batch.shape[1:] == x.shape and self._network.channels_last:
            batch = np.moveaxis(batch, 1, -1)
        if batch.shape[1:] == (*x.shape[1:], x.shape[0]) and not self._network.channels_last:
            batch = np.moveaxis(batch, -1, 1)
        return inputs(batch, self._network), geometry

    def _wanted(self, said: str | Preprocess | None) -> Preprocess | Mapping[str, object]:
        """As `explain` is asked, at this input size: of one picture both say the same."""
        if isinstance(said, Preprocess):
            return replace(said, input_size=said.input_size or self.input_size)
        known = said or (None if self._network.declared.preprocess else "raw")
        return {"input_size": self.input_size} | ({} if known is None else {"mode": known})


def _rows_and_columns(input_size: int | Sequence[int]) -> Size:
    if isinstance(input_size, int | np.integer):
        return _rows_and_columns((int(input_size), int(input_size)))
    sides = [int(side) for side in input_size if isinstance(side, int | np.integer) and side > 0]
    if len(sides) != 2 or len(input_size) != 2:
        raise BadOption(
            "input_size is (h, w), rows and columns, or one number for a square; "
            f"received {input_size!r}."
        )
    return sides[0], sides[1]
