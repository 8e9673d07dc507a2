"""`XAIHeatmap`: a picture, its tensor and the number of a layer; back comes the heatmap over it."""

from typing import Any, Literal

import numpy as np

from xai_heatmap.compat.layers import listed, numbered
from xai_heatmap.compat.legacy import document_overlay, output_of_argmax
from xai_heatmap.compat.looking import document, heatmap, inputs, look
from xai_heatmap.compat.pictures import BlueFirst, Picture, from_cv2, to_cv2
from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import Network
from xai_heatmap.core.shapes import Float64
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.networks import network

OPACITY = 0.8
"""Opacity of the strongest relevance; the seed's weight."""


class XAIHeatmap:
    """Heatmaps over pictures, at the layers given.

    Parameters
    ----------
    model
        A Keras model, a torch module, or anything else that `xai_heatmap.network` takes.
    layers
        Names of layers, or the layers themselves; `runTool` picks one by its number.
    legacy
        False: Grad-CAM of the logit, in colours that depend on nothing elsewhere in the picture;
        where there is no relevance the picture stays as it is. True: the arithmetic of the
        original document: the gradient of the model's output as it stands, averaged over images
        and grid, the mean over channels, 0.8 x JET added to the picture, all divided by its
        maximum. Only the document's 0/0 at a map without any positive value is spared: such a map
        stays zero, the picture is that of level 0 everywhere, and `last` says why.
    legacy_float
        True: pictures are float64 in 0 to 255, as the document gave them. False: uint8. Not said:
        as `legacy`.
    target
        What is explained: a class by its number, or a choice such as
        ``xai_heatmap.contrast(3, against=5)``; the prediction, if not given.
    scale
        What the full colour stands for: ``max``, the map's own maximum; ``p99``; or a relevance,
        the same for all frames of a video.

    Attributes
    ----------
    last
        The `xai_heatmap.Explanation` of the last call: raw map, verdict, class index, score, ...
    """

    def __init__(
        self,
        model: Any,
        layers: Any,
        *,
        legacy: bool = False,
        legacy_float: bool | None = None,
        target: Choice | int | str | None = None,
        scale: Literal["max", "p99"] | float = "max",
    ) -> None:
        if legacy and not (target is None and scale == "max"):
            raise BadOption(
                "legacy=True is the document's arithmetic: it explains the prediction and scales "
                "by the maximum. Leave out target and scale, or legacy."
            )
        self.model = model
        self.layers = listed(layers)
        self.legacy = legacy
        self.legacy_float = legacy if legacy_float is None else legacy_float
        self.target = target
        self.scale: Literal["max", "p99"] | float = scale
        self.last: Explanation | None = None
        self._network = network(model, keep_closing=legacy)

    def runTool(
        self,
        cv2img: Picture,
        img_tensor: Any,
        layer_num: int,
        *,
        geometry: Geometry | None = None,
    ) -> BlueFirst | Float64[np.ndarray, "H W 3"]:
        """The heatmap over the picture, at the layer of that number.

        Parameters
        ----------
        cv2img
            The picture as OpenCV has it, of any size: BGR, grey or BGRA; 8 or 16 bits, or float.
        img_tensor
            The same picture preprocessed, as a batch in the model's own layout: numpy, or a
            tensor of any framework. Of several images the first is explained.
        layer_num
            Index into `layers`; negative ones count from the end.
        geometry
            Which rectangle of the picture the tensor shows; all of it, if not given.
        """
        return self._run(
            cv2img, img_tensor, self._network, numbered(self.layers, layer_num), geometry
        )

    def camXAITool(
        self,
        cv2img: Picture,
        img_tensor: Any,
        model: Any,
        layer_name: Any,
        *,
        geometry: Geometry | None = None,
    ) -> BlueFirst | Float64[np.ndarray, "H W 3"]:
        """Result as of `runTool`, for any model and any layer of that model, by name or as the
        object.
        """
        opened = self._network if model is self.model else network(model, keep_closing=self.legacy)
        return self._run(cv2img, img_tensor, opened, layer_name, geometry)

    def _run(
        self,
        cv2img: Picture,
        img_tensor: Any,
        opened: Network,
        layer: Any,
        geometry: Geometry | None,
    ) -> BlueFirst | Float64[np.ndarray, "H W 3"]:
        x = inputs(img_tensor, opened)
        if not self.legacy:
            drawn = self._mended(cv2img, x[:1], opened, layer, geometry)
        elif geometry is None:
            drawn = self._document(cv2img, x, opened, layer)
        else:
            raise BadOption(
                "legacy=True is the document's arithmetic, which takes the tensor for all of the "
                "picture; leave out geometry, or legacy."
            )
        if self.legacy_float:
            return drawn.astype(np.float64)
        return np.rint(drawn).astype(np.uint8)

    def _mended(
        self, cv2img: Picture, x: Inputs, opened: Network, layer: Any, geometry: Geometry | None
    ) -> BlueFirst:
        image = from_cv2(cv2img)
        asked = look(opened, x, layer, image=image, geometry=geometry, target=self.target)
        self.last = heatmap(*asked)
        return painted(self.last, scale=self.scale)

    def _document(
        self, cv2img: Picture, x: Inputs, opened: Network, layer: Any
    ) -> Float64[np.ndarray, "H W 3"]:
        image = from_cv2(cv2img)
        target = output_of_argmax()
        self.last = document(*look(opened, x, layer, image=image, target=target, as_it_stands=True))
        if isinstance(cv2img, np.ndarray) and cv2img.shape == image.shape:
            return document_overlay(cv2img, self.last.map)
        return document_overlay(to_cv2(image), self.last.map)


def painted(explained: Explanation, *, scale: Literal["max", "p99"] | float = "max") -> BlueFirst:
    """The explanation in the seed's colours and weight, but where there is no relevance the picture
    as it was.
    """
    plain = {"contour": False, "dim": False, "mute": False, "smooth": False}
    return to_cv2(explained.overlay(colormap="jet", alpha=OPACITY, scale=scale, **plain))
