"""One forward pass, opened at one layer: all that heatmap, tiles and predictions are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from xai_heatmap.compat.layers import layer_name
from xai_heatmap.core.answer import Answer
from xai_heatmap.core.arrays import Activation, Gradient, Image, Inputs, Map, ScoreRow
from xai_heatmap.core.errors import BadArray
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.core.network import Layer, LogRecording, Network, Recording
from xai_heatmap.core.prediction import predictions, probabilities
from xai_heatmap.core.target import Choice, Target, category, top
from xai_heatmap.core.verdict import verdict
from xai_heatmap.explanation import Explanation


@dataclass(frozen=True)
class Look:
    """What one forward pass showed of the first image at one layer; its one backward pass is made
    when it is first asked for.

    Parameters
    ----------
    network, layer, recording
        What was opened, where, and what it left behind.
    target
        What is explained.
    """

    network: Network
    layer: Layer
    recording: Recording
    target: Target

    @property
    def activation(self) -> Activation:
        """A of the first image."""
        return self.recording.activations[self.layer.name][0]

    @cached_property
    def gradients(self) -> np.ndarray:
        """∂y/∂A of every image, y summed over the images."""
        return self.recording.pullback(self.target.cotangent(self.recording.scores))[
            self.layer.name
        ]

    @property
    def gradient(self) -> Gradient:
        """∂y/∂A of the first image."""
        return self.gradients[0]

    @property
    def scores(self) -> ScoreRow:
        """Of the first image."""
        return self.recording.scores[0]

    @property
    def answer(self) -> ScoreRow:
        """What the model itself answers: probabilities if it closes in them, else its logits."""
        meaning, closing = self.recording.meaning, self.network.closing
        if closing is None and meaning == "logits":
            return self.scores
        likely = probabilities(self.scores, meaning=meaning, closing=closing)
        return likely[1:] if len(self.scores) == 1 else likely


def look(
    network: Network,
    x: Inputs,
    layer: Any,
    *,
    target: Choice | int | str | None = None,
    as_it_stands: bool = False,
) -> Look:
    """Run the network once and fix what is explained.

    Parameters
    ----------
    layer
        A name, or the layer itself.
    target
        None for the prediction of the first image.
    as_it_stands
        Scores that read as probabilities stay what they are; the network has to be one with
        ``keep_closing=True``.
    """
    name = layer_name(network, x.shape[1:], layer)
    recording = network.record(x, [name])
    if as_it_stands and isinstance(recording, LogRecording):
        recording = recording.inner
    choice = top(1) if target is None else target
    choice = choice if isinstance(choice, Choice) else category(choice)
    labels = network.declared.labels or ()
    kind = network.declared.answers or ("labels" if network.closing == "sigmoid" else "classes")
    chosen = choice(Answer(recording.scores[0], labels, recording.form, kind, recording.meaning))
    return Look(network, network.survey(x.shape[1:]).layers[name], recording, chosen)


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
            f"{network.name} takes images as {layout} with {channels} channels; received "
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


def explanation(
    seen: Look,
    *,
    map_: Map,
    method: str,
    image: Image,
    geometry: Geometry,
    labels: Sequence[str] = (),
) -> Explanation:
    """A map with all facts of the look that it came from.

    Parameters
    ----------
    labels
        Names of the classes; those that the model declares, if not given.
    """
    target, meaning = seen.target, seen.recording.meaning
    score = float(target.value(seen.scores[None])[0])
    return Explanation(
        map=map_,
        image=image,
        name="image",
        geometry=geometry,
        method=method,
        layer=seen.layer,
        target=target.label,
        index=target.index,
        score=score,
        predictions=predictions(
            seen.scores,
            meaning=meaning,
            closing=seen.network.closing,
            labels=labels or seen.network.declared.labels or (),
            form=seen.recording.form,
        ),
        verdict=verdict(
            map_,
            gradient=seen.gradient,
            score=score,
            probability=target.bounded or meaning == "probabilities",
        ),
        network=seen.network.name,
        meaning=meaning,
    )
