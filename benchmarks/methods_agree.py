"""Where other packages compute the same map, and where not: ``python -m benchmarks.methods_agree``.

SqueezeNet 1.1 with trained weights, a photograph; the last layer of its trunk, one in the middle,
and the picture itself. Every map is scaled to [0, 1] at the size of the picture, as most peers give
them. Where a peer's map is another one, the cause is a formula of its own, and the table says how
far that is from the peer.
"""

import argparse
import copy
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, networks, peers, tables

PAGE = Path(__file__).resolve().parent.parent / "docs" / "agreement.md"
SAME = 1e-4
"""The largest difference of maps that count as the same."""

PRECISE = frozenset({"integrated_gradients"})
"""What adds up gradients along a path: on it some ReLU is at zero but for rounding, which hangs on
the batch and on the number of threads. PyTorch computes these in double precision, on both sides.
"""

SIZE = (224, 224)

OPTIONS: Mapping[str, Mapping[str, object]] = {
    "integrated_gradients": {"steps": 32},
    "occlusion": {"window": 28, "stride": 14},
}
"""Of ours, so that they are what the peers are asked for."""

Call = Callable[[Any, np.ndarray, str, int], np.ndarray]
"""A peer's maps (1, h, w) for a model, a picture, a layer and a class."""


@dataclass(frozen=True)
class World:
    """One framework's SqueezeNet, a photograph, and the peers of that framework.

    Parameters
    ----------
    title
        Heads its table.
    model, asked
        The network as we take it, and as the peers do: with logits.
    x
        The photograph, preprocessed, in the framework's layout.
    layers
        Where the methods of layers are compared; those of pixels are at the picture.
    """

    title: str
    model: Any
    asked: Any
    x: np.ndarray
    layers: tuple[str, ...]
    methods: Mapping[str, Mapping[str, Call]]

    @cached_property
    def network(self) -> Any:
        """The network, opened."""
        import xai_heatmap as xh

        return xh.network(self.model)

    @cached_property
    def precise(self) -> Any:
        """The network in double precision, where its framework has it at hand."""
        import xai_heatmap as xh

        if not hasattr(self.model, "double"):
            return self.network
        return xh.network(copy.deepcopy(self.model).double())

    @cached_property
    def target(self) -> int:
        """The class that the network predicts."""
        return int(self.network.record(self.planes).scores[0].argmax())

    @property
    def planes(self) -> np.ndarray:
        """The photograph with its channels first."""
        return np.moveaxis(self.x, -1, 1) if self.network.channels_last else self.x

    def ours(self, method: str, layer: str, *, target: Any = None, **options: object) -> np.ndarray:
        """Our map (1, h, w)."""
        import xai_heatmap as xh

        chosen = self.target if target is None else target
        network = self.precise if method in PRECISE else self.network
        found = xh.maps(network, self.x, method=method, layer=layer, target=chosen, options=options)
        assert isinstance(found, np.ndarray)
        return found

    def values(self, layer: str) -> tuple[np.ndarray, np.ndarray]:
        """A and G, k x h x w each."""
        recording = self.network.record(self.planes, [layer])
        one_hot = np.eye(recording.scores.shape[1], dtype=np.float32)[[self.target]]
        return recording.activations[layer][0], recording.pullback(one_hot)[layer][0]


@dataclass(frozen=True)
class Row:
    """One method beside one peer.

    Parameters
    ----------
    figures
        By layer, how far the maps are apart and their correlation.
    said
        Why they differ; "the same" where they do not.
    explained
        How far the cause's own formula is from the peer.
    """

    method: str
    peer: str
    figures: Mapping[str, tuple[float, float]]
    said: str = field(default="the same")
    explained: float | None = None

    @property
    def same(self) -> bool:
        """Whether both compute one and the same map."""
        return max(off for off, _ in self.figures.values()) <= SAME


def main() -> None:
    """Compute, print, and write the page where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/agreement.md")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--methods", type=lambda text: text.split(","), help="these alone")
    parser.add_argument("--quick", action="store_true", help="without the methods of many passes")
    asked = parser.parse_args()
    left = DEAR if asked.quick else ()
    if asked.methods:
        left = {*IN_TORCH, *IN_KERAS} - {*asked.methods}
    if asked.write and left:
        parser.error("the page is written whole, without --methods and --quick")
    found = {world.title: (world, list(rows(world, left))) for world in worlds()}
    if asked.json:
        facts = [vars(row) for _, own in found.values() for row in own]
        print(json.dumps(facts))
        return
    text = page(found)
    print(text)
    if asked.write:
        PAGE.write_text(text)


def rows(world: World, left: Collection[str] = ()) -> Iterator[Row]:
    """Every method but those left out, beside every peer that has it."""
    asked = {name: theirs for name, theirs in world.methods.items() if name not in left}
    for method, theirs in asked.items():
        layers = ("input",) if method in PIXELS else world.layers
        options = OPTIONS.get(method, {})
        ours = {layer: world.ours(method, layer, **options) for layer in layers}
        for peer, call in theirs.items():
            others = {layer: call(world.asked, world.x, layer, world.target) for layer in layers}
            figures = {layer: compared(ours[layer], others[layer]) for layer in layers}
            row = Row(method, peer, figures)
            if row.same:
                yield row
                continue
            said, formula = CAUSES.get((method, peer), ("not known", None))
            explained = None
            if formula is not None:
                explained = max(
                    compared(formula(world, layer), other)[0] for layer, other in others.items()
                )
            yield Row(method, peer, figures, said, explained)


def compared(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Largest difference, and correlation, at the size of the picture."""
    drawn = [_drawn(one) for one in (ours, theirs)]
    off = float(np.abs(drawn[0] - drawn[1]).max())
    if min(float(one.std()) for one in drawn) == 0:
        return off, float(off == 0)
    return off, float(np.corrcoef(drawn[0].ravel(), drawn[1].ravel())[0, 1])


def _drawn(maps: np.ndarray) -> np.ndarray:
    from pytorch_grad_cam.utils.image import scale_cam_image

    return peers.scaled(maps if maps.shape[1:] == SIZE else scale_cam_image(maps, SIZE))


# ------------------------------------------------------------------ what makes a peer's map another


def added_epsilon(world: World, layer: str) -> np.ndarray:
    """Grad-CAM++ with 1e-6 in the denominator of α, before g² is divided out."""
    activation, gradient = world.values(layer)
    total = activation.sum(axis=(1, 2), keepdims=True)
    alpha = gradient**2 / (2 * gradient**2 + total * gradient**3 + 1e-6)
    return _weighted(activation, (alpha * np.maximum(gradient, 0)).sum(axis=(1, 2)))


def lost_division(world: World, layer: str) -> np.ndarray:
    """Grad-CAM++ without a denominator: α = g²."""
    activation, gradient = world.values(layer)
    return _weighted(activation, (gradient**2 * np.maximum(gradient, 0)).sum(axis=(1, 2)))


def normalised_alphas(world: World, layer: str) -> np.ndarray:
    """Grad-CAM++ whose α add up to 1 over each feature map."""
    activation, gradient = world.values(layer)
    alpha = _alphas(gradient, activation.sum(axis=(1, 2), keepdims=True))
    total = alpha.sum(axis=(1, 2), keepdims=True)
    alpha = alpha / np.where(total != 0, total, 1)
    return _weighted(activation, (alpha * np.maximum(gradient, 0)).sum(axis=(1, 2)))


def mean_for_sum(world: World, layer: str) -> np.ndarray:
    """Grad-CAM++ with the mean of a feature map where the formula has its sum, drawn as below."""
    activation, gradient = world.values(layer)
    alpha = _alphas(gradient, activation.mean(axis=(1, 2), keepdims=True))
    return _bicubic(_weighted(activation, (alpha * np.maximum(gradient, 0)).sum(axis=(1, 2))))


def drawn_bicubically(world: World, layer: str) -> np.ndarray:
    """Grad-CAM, drawn out by cubic instead of linear interpolation."""
    return _bicubic(world.ours("gradcam", layer))


def centred(world: World, layer: str) -> np.ndarray:
    """Eigen-CAM of feature maps less their means, with the sign that the library gives."""
    return _first_component(world.values(layer)[0])


def centred_product(world: World, layer: str) -> np.ndarray:
    """The same of g ⊙ A."""
    activation, gradient = world.values(layer)
    return _first_component(gradient * activation)


def softmax_over_maps(world: World, layer: str) -> np.ndarray:
    """Score-CAM with the softmax of the paper's algorithm."""
    return world.ours("scorecam", layer, softmax=True)


def softmax_of_aligned(world: World, layer: str) -> np.ndarray:
    """The same, of masks whose corners lie on the picture's corners."""
    activation, scores = _masked(world, layer)
    own = np.exp(scores[:, world.target] - scores[:, world.target].max())
    return _weighted(activation, own)


def probability_of_aligned(world: World, layer: str) -> np.ndarray:
    """Score-CAM that weighs by the probability, of masks as above."""
    activation, scores = _masked(world, layer)
    own = np.exp(scores - scores.max(axis=1, keepdims=True))
    return _weighted(activation, own[:, world.target] / own.sum(axis=1))


def windows_added(world: World, layer: str) -> np.ndarray:
    """Occlusion whose windows are added up, not averaged: less at the edge, which few cover."""
    sums = world.ours("occlusion", layer, **OPTIONS["occlusion"])[0]
    covered = np.zeros(SIZE[0])
    for start in range(0, SIZE[0] - 27, 14):
        covered[start : start + 28] += 1
    return (sums * np.outer(covered, covered))[None]


def trapezoids(world: World, layer: str) -> np.ndarray:
    """Integrated gradients by the trapezoid rule over 32 points, both ends among them."""
    total = np.zeros(world.planes.shape[1:], np.float64)
    for number, share in enumerate(np.linspace(0, 1, 32)):
        recording = world.network.record(np.float32(share) * world.planes, ["input"])
        one_hot = np.eye(recording.scores.shape[1], dtype=np.float32)[[world.target]]
        total += recording.pullback(one_hot)["input"][0] * (0.5 if number in (0, 31) else 1)
    return (total * world.planes[0]).sum(axis=0)[None].astype(np.float32)


def _masked(world: World, layer: str) -> tuple[np.ndarray, np.ndarray]:
    """A, and every score of the picture behind each of its feature maps, drawn corner to corner."""
    import torch

    activation, _ = world.values(layer)
    drawn = torch.nn.functional.interpolate(
        torch.from_numpy(activation)[None], SIZE, mode="bilinear", align_corners=True
    )
    masks = peers.scaled(drawn[0].numpy())
    portions = [
        world.network.record(world.planes * masks[start : start + 32, None]).scores
        for start in range(0, len(masks), 32)
    ]
    return activation, np.concatenate(portions).astype(np.float64)


def _alphas(gradient: np.ndarray, total: np.ndarray) -> np.ndarray:
    below = 2 * gradient**2 + total * gradient**3
    return np.divide(gradient**2, below, out=np.zeros_like(below), where=below != 0)


def _weighted(activation: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.maximum(np.tensordot(weights, activation, 1), 0)[None]


def _first_component(activation: np.ndarray) -> np.ndarray:
    points = activation.reshape(len(activation), -1).T
    points = points - points.mean(axis=0)
    direction = np.linalg.svd(points, full_matrices=True)[2][0]
    return np.maximum((points @ direction).reshape(activation.shape[1:]), 0)[None]


def _bicubic(maps: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    how = tf.image.ResizeMethod.BICUBIC
    return tf.image.resize(maps[..., None], SIZE, method=how).numpy()[..., 0]


EPSILON = "1e-6 is added to a denominator of the order of g²; ours divides g² out"
LOST = "the division is written into a copy and lost, so α stays g²"
CENTRED = "feature maps are centred, which the paper does not do, and the sign is left to chance"
SOFTMAX = "softmax over raw logits, which leaves a few feature maps; that is `softmax=True`"
ALIGNED = "masks are drawn corner to corner"
PROBABILITY = (
    "weighs by the softmax of what the model answers: of logits the probability, as "
    "`target=probability(...)` nearly does"
)

CAUSES: dict[tuple[str, str], tuple[str, Callable[[World, str], np.ndarray]]] = {
    ("gradcam_pp", "pytorch-grad-cam"): (EPSILON, added_epsilon),
    ("gradcam_pp", "torch-cam"): (LOST, lost_division),
    ("gradcam_pp", "tf-keras-vis"): (
        "the α of a feature map are made to add to 1",
        normalised_alphas,
    ),
    ("gradcam_pp", "Xplique"): ("the mean of A stands for its sum; cubic drawing", mean_for_sum),
    ("gradcam", "Xplique"): ("drawn out by cubic interpolation", drawn_bicubically),
    ("eigencam", "pytorch-grad-cam"): (CENTRED, centred),
    ("eigengradcam", "pytorch-grad-cam"): ("as for Eigen-CAM", centred_product),
    ("scorecam", "pytorch-grad-cam"): (f"{SOFTMAX}; {ALIGNED}", softmax_of_aligned),
    ("scorecam", "torch-cam"): (SOFTMAX, softmax_over_maps),
    ("scorecam", "tf-keras-vis"): (f"{PROBABILITY}; {ALIGNED}", probability_of_aligned),
    ("occlusion", "Xplique"): ("windows are added up, so the edge gets less", windows_added),
    ("integrated_gradients", "Xplique"): ("the trapezoid rule, ours has midpoints", trapezoids),
}
"""What was read in the peers' source, and the formula that follows from it."""


# ------------------------------------------------------------------ the peers


def grad_cam(name: str) -> Call:
    """A class of pytorch-grad-cam as a function of model, picture, layer and class."""

    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        case = peers.Case(model, x, layer, target)
        copy, inner = peers.copied(case)
        cam = getattr(pytorch_grad_cam, name)(model=copy, target_layers=[inner])
        import torch

        return cam(input_tensor=torch.from_numpy(x), targets=[ClassifierOutputTarget(target)])

    return call


def _torch_cam(name: str) -> Call:
    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        import torch
        from torchcam import methods

        own, inner = peers.copied(peers.Case(model, x, layer, target))
        extractor = getattr(methods, name)(own, inner)
        scores = own(torch.from_numpy(x))
        maps = extractor(target, scores)[0].detach().cpu().numpy()
        return maps if maps.ndim == 3 else maps[None]

    return call


def _captum(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
    return peers.captum(peers.Case(model, x, layer, target))()


def _captum_pixels(name: str, **options: Any) -> Call:
    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        import captum.attr
        import torch

        own, _ = peers.copied(peers.Case(model, x, "", target))
        picture = torch.from_numpy(x)
        asked: Any = own
        if name == "IntegratedGradients":
            precise, picture = own.double(), picture.double()

            def asked(points: torch.Tensor) -> torch.Tensor:
                rounded = points.float().double()  # ours are given to a network as such numbers
                return precise(points + (rounded - points).detach())

        attribution = getattr(captum.attr, name)(asked)
        found = attribution.attribute(picture.requires_grad_(), target=target, **options)
        planes = found.detach().float().numpy()
        if name == "Saliency":
            return planes.max(axis=1)
        return planes[:, 0] if name == "Occlusion" else planes.sum(axis=1)

    return call


def _tf_keras_vis(module: str, name: str) -> Call:
    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        import importlib

        from tf_keras_vis.utils.scores import CategoricalScore

        cam = getattr(importlib.import_module(f"tf_keras_vis.{module}"), name)(model, clone=False)
        how: dict[str, Any] = {"normalize_map": False}
        if module != "saliency":
            how = {"penultimate_layer": layer, "seek_penultimate_conv_layer": False}
            how |= {"expand_cam": False, "normalize_cam": False}
        if module == "scorecam":
            how["training"] = False
        return np.asarray(cam(CategoricalScore([target]), x, **how), np.float32)

    return call


def _xplique(name: str, **options: Any) -> Call:
    def call(model: Any, x: np.ndarray, layer: str, target: int) -> np.ndarray:
        from xplique import attributions

        own = options if layer == "input" else {"conv_layer": layer, **options}
        one_hot = np.eye(model.output_shape[1], dtype=np.float32)[[target]]
        found = np.asarray(getattr(attributions, name)(model, **own)(x, one_hot))
        return found.reshape(found.shape[:3])

    return call


DEAR = ("ablationcam", "scorecam")
"""A pass for every feature map of SqueezeNet, at two layers, twice."""

PIXELS = ("saliency", "input_x_gradient", "integrated_gradients", "occlusion")

IN_TORCH: dict[str, dict[str, Call]] = {
    "gradcam": {
        "pytorch-grad-cam": grad_cam("GradCAM"),
        "torch-cam": _torch_cam("GradCAM"),
        "Captum": _captum,
    },
    "gradcam_pp": {
        "pytorch-grad-cam": grad_cam("GradCAMPlusPlus"),
        "torch-cam": _torch_cam("GradCAMpp"),
    },
    "xgradcam": {
        "pytorch-grad-cam": grad_cam("XGradCAM"),
        "torch-cam": _torch_cam("XGradCAM"),
    },
    "layercam": {
        "pytorch-grad-cam": grad_cam("LayerCAM"),
        "torch-cam": _torch_cam("LayerCAM"),
    },
    "eigencam": {"pytorch-grad-cam": grad_cam("EigenCAM")},
    "eigengradcam": {"pytorch-grad-cam": grad_cam("EigenGradCAM")},
    "ablationcam": {"pytorch-grad-cam": grad_cam("AblationCAM")},
    "scorecam": {
        "pytorch-grad-cam": grad_cam("ScoreCAM"),
        "torch-cam": _torch_cam("ScoreCAM"),
    },
    "saliency": {"Captum": _captum_pixels("Saliency")},
    "input_x_gradient": {"Captum": _captum_pixels("InputXGradient")},
    "integrated_gradients": {
        "Captum": _captum_pixels("IntegratedGradients", n_steps=32, method="riemann_middle")
    },
    "occlusion": {
        "Captum": _captum_pixels(
            "Occlusion", sliding_window_shapes=(3, 28, 28), strides=(3, 14, 14)
        )
    },
}

IN_KERAS: dict[str, dict[str, Call]] = {
    "gradcam": {
        "tf-keras-vis": _tf_keras_vis("gradcam", "Gradcam"),
        "Xplique": _xplique("GradCAM"),
    },
    "gradcam_pp": {
        "tf-keras-vis": _tf_keras_vis("gradcam_plus_plus", "GradcamPlusPlus"),
        "Xplique": _xplique("GradCAMPP"),
    },
    "scorecam": {"tf-keras-vis": _tf_keras_vis("scorecam", "Scorecam")},
    "saliency": {
        "tf-keras-vis": _tf_keras_vis("saliency", "Saliency"),
        "Xplique": _xplique("Saliency"),
    },
    "input_x_gradient": {"Xplique": _xplique("GradientInput")},
    "integrated_gradients": {"Xplique": _xplique("IntegratedGradients", steps=32)},
    "occlusion": {
        "Xplique": _xplique("Occlusion", patch_size=28, patch_stride=14, occlusion_value=0.0)
    },
}


def worlds() -> Iterator[World]:
    """The same network and photograph in PyTorch, and in Keras on TensorFlow."""
    torch_model = networks.torch_model("squeezenet")
    yield World(
        "PyTorch",
        torch_model,
        torch_model,
        networks.batch("squeezenet", 1, channels_last=False),
        ("features.12", "features.7"),
        IN_TORCH,
    )
    keras_model = networks.keras_model("squeezenet")
    yield World(
        "Keras on TensorFlow",
        keras_model,
        _with_logits(keras_model),
        networks.batch("squeezenet", 1, channels_last=True),
        ("fire9_concat", "fire5_concat"),
        IN_KERAS,
    )


def _with_logits(model: Any) -> Any:
    """A copy without the closing softmax: no option of the peers leaves it out everywhere."""
    import keras

    own = keras.models.clone_model(model)
    own.set_weights(model.get_weights())
    own.layers[-1].activation = keras.activations.linear
    return own


# ------------------------------------------------------------------ the page

TEXT = """# Agreement with other packages

The largest difference of maps that are scaled to [0, 1], and in brackets their correlation, for the
class that SqueezeNet 1.1 predicts on a photograph. Where maps differ, the last column says why, and
how far a formula with that cause is from the peer.

Every package explains logits. The Keras model ends in a softmax; its peers are given a copy without
it, and not an option of theirs: `output_layer` of Xplique 2.0.2 builds such a copy too, but its
methods of gradients go on with the model that was given, so that maps with and without the option
are the same to the bit. Score-CAM of tf-keras-vis 0.8.7 takes a softmax of whatever the model
answers; given one that ends in a softmax it takes a second, and weighs all feature maps nearly
alike.

Written by `python -m benchmarks.methods_agree --write`; a test computes it again.

Detectors of ultralytics 8.4.190 draw LayerCAM with `predict(visualize=True)`, at the inputs of the
head, of the 16 strongest boxes together. Ours differs in three ways: a map is of one box; a level
is drawn for the boxes that hang on it, not for all; and levels stay on one scale, while theirs are
divided each by its own highest value, so that evidence of a millionth of the score is drawn as hot
as all the rest. [What that costs](detectors.md) is measured on planted detectors, by the same rule
written anew.
"""


def page(found: Mapping[str, tuple[World, list[Row]]]) -> str:
    """The tables with what is known of each deviation."""
    parts = [TEXT]
    for title, (world, own) in found.items():
        for heading, layers in (
            (title, world.layers),
            (f"{title}: the picture itself", ("input",)),
        ):
            chosen = [row for row in own if set(row.figures) == set(layers)]
            head = ("method", "peer", *(f"`{layer}`" for layer in layers), "")
            parts.append(f"## {heading}\n\n{tables.table(head, list(map(_line, chosen)))}\n")
    return "\n".join([*parts, f"{machine.line(_versions())}\n"])


def _line(row: Row) -> tuple[str, ...]:
    figures = [f"{off:.1e} ({cosine:.3f})" for off, cosine in row.figures.values()]
    said = row.said
    if row.explained is not None:
        said += f" (with that, ours differs by {row.explained:.0e})"
    return (f"`{row.method}`", peers.titled(row.peer), *figures, said)


def _versions() -> list[str]:
    import keras
    import tensorflow as tf
    import torch

    names = (("PyTorch", torch), ("TensorFlow", tf), ("Keras", keras))
    return [f"{name} {package.__version__}" for name, package in names]


if __name__ == "__main__":
    from benchmarks.torchvision_operators import declare_missing_operators

    os.environ["KERAS_BACKEND"] = "tensorflow"
    peers.visible()
    declare_missing_operators()
    main()
