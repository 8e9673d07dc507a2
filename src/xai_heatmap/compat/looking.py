"""The old API's question: a batch that is preprocessed already, one layer, one forward pass."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.compat.layers import layer_name
from xai_heatmap.compat.legacy import document_map
from xai_heatmap.core.arrays import Image, Inputs, ScoreRow
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.geometry import Geometry, stretched
from xai_heatmap.core.log_recording import LogRecording
from xai_heatmap.core.network import Network
from xai_heatmap.core.prediction import probabilities
from xai_heatmap.core.registry import MethodResult, find_method
from xai_heatmap.core.targets.target import Choice
from xai_heatmap.explaining.explanation import Explanation
from xai_heatmap.explaining.prepared_input import PreparedInput
from xai_heatmap.explaining.question import Question, questions_of

GRADCAM = find_method("gradcam")
"""The method of the old API."""

LEGACY = replace(GRADCAM, name="legacy", formula=document_map, needs=frozenset({"gradient"}))
"""The document's arithmetic, which averages over all images of a batch."""


def look(
    network: Network,
    x: Inputs,
    layer: Any,
    *,
    image: Image | None = None,
    geometry: Geometry | None = None,
    target: Choice | int | str | None = None,
    labels: Sequence[str] = (),
    as_it_stands: bool = False,
) -> tuple[Question, str]:
    """Run the network once and fix what is explained of the first image; with the layer's name.

    Parameters
    ----------
    layer
        A name, or the layer itself.
    image, geometry
        The picture that the batch was made from, and which part of it; without a picture nothing
        is drawn, and without a geometry it is all of it.
    target
        None for the prediction of the first image.
    labels
        Names of the classes; those that the model declares, if not given.
    as_it_stands
        Scores that read as probabilities stay what they are; the network has to be one with
        ``keep_closing=True``.
    """
    name = layer_name(network, x.shape[1:], layer)
    recording = network.record(x, [name])
    if as_it_stands and isinstance(recording, LogRecording):
        recording = recording.inner
    picture: Image = np.zeros((*x.shape[2:], 3), np.uint8) if image is None else image
    seen = geometry or stretched((picture.shape[0], picture.shape[1]), x.shape[2:])
    given = PreparedInput(picture, "image", x[0], seen)
    (question,) = questions_of(network, given, recording, [target], labels=labels or None)
    return question, name


def answered(question: Question) -> ScoreRow:
    """Answer of the model itself: probabilities if the model closes in them, else its logits."""
    meaning, closing = question.recording.meaning, question.network.closing
    if closing is None and meaning == "logits":
        return question.scores
    likely = probabilities(question.scores, meaning=meaning, closing=closing)
    return likely[1:] if len(question.scores) == 1 else likely


def heatmap(question: Question, layer: str) -> Explanation:
    """Grad-CAM, with all facts of the question."""
    known = question.evidence(layer, GRADCAM.needs)
    return question.explanation(GRADCAM.found(known), GRADCAM, known, layer=layer)


def document(question: Question, layer: str) -> Explanation:
    """The document's map, with all facts of the question."""
    known = question.evidence(layer, GRADCAM.needs)
    activation = question.recording.activations[layer][0]
    map_ = document_map(activation, question.gradients[layer])
    return question.explanation(MethodResult(map_), LEGACY, known, layer=layer)


def inputs(img_tensor: Any, network: Network) -> Inputs:
    """A batch in the network's own layout, of any framework, as float32 (n, c, H, W); a copy.

    Raises
    ------
    BadArray
        If it is no batch of images, or its channels stand where the network does not look.
    """
    native = numbers(img_tensor)
    layout = "(n, H, W, c)" if network.channels_last else "(n, c, H, W)"
    if native.ndim != 4 or not native.size:
        raise BadArray(
            f"img_tensor is a batch of preprocessed images {layout}; received {native.shape}. "
            "One image becomes a batch by `image[None]`."
        )
    x = np.moveaxis(native, -1, 1) if network.channels_last else native
    channels = (network.declared.input_shape or x.shape[1:])[0]
    if x.shape[1] != channels and channels in (native.shape[1], native.shape[-1]):
        raise BadArray(
            f"{network.name} takes images as {layout} with {counted(channels, 'channel')}; "
            "received "
            f"{native.shape}. `np.moveaxis` puts the channels where they belong."
        )
    return x


def numbers(tensor: Any) -> np.ndarray:
    """A tensor of any framework, on any device, as a float32 array of its own."""
    detach = getattr(tensor, "detach", None)  # torch's way to numpy, from a GPU and from a gradient
    try:
        plain = np.asarray(tensor) if detach is None else detach().cpu().float().numpy()
        return plain.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise BadArray(
            f"img_tensor is a batch of preprocessed images; {type(tensor).__name__} can't be read "
            f"as numbers ({error})."
        ) from error
