"""Kit of a backend: one small model for each trap, and what the checks share.

Each model comes with the way to its layer and the head behind it, written a second time in the
framework's own words.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

import xai_heatmap as xh

Function = Callable[[np.ndarray], np.ndarray]


SHAPE = (3, 8, 8)
"""(c, H, W) of every kit's pictures."""


CLASSES = 4


def without_head(_: np.ndarray) -> np.ndarray:
    """Head of a case whose layer is bypassed: what follows is no function of the layer alone."""
    raise AssertionError("the layer of this case is bypassed: it has no head of its own")


@dataclass(frozen=True)
class Case:
    """A model, one of its layers, and that layer's two sides as plain functions of arrays.

    `trunk` maps n c H W to the layer's activation n k h w, `head` maps that to logits n classes.
    """

    model: Any
    layer: str
    trunk: Function
    head: Function = without_head


@runtime_checkable
class Kit(Protocol):
    """One small model for each trap."""

    def plain(self) -> Case: ...
    def residual(self) -> Case: ...
    def nested(self) -> Case: ...
    def last(self) -> Case: ...
    def twice(self) -> tuple[Case, Case]: ...
    def never(self) -> tuple[Any, str]: ...
    def tuple_layer(self) -> Case: ...
    def tuple_output(self) -> Case: ...
    def dict_output(self) -> Case: ...
    def softmax(self) -> Case: ...
    def functional_softmax(self) -> Case: ...
    def sigmoid_unit(self) -> Case: ...
    def sigmoid_labels(self) -> Case: ...
    def dropout(self) -> Case: ...
    def frozen(self) -> Case: ...
    def half(self) -> Case: ...
    def tokens(self) -> Case: ...
    def folding(self) -> Case: ...
    def drawing(self) -> Any:
        """Layers "conv" and, behind a dropout that is never off, "last"."""

    def mixing(self) -> Any:
        """Behind layer "conv" the mean over all images of a batch is taken off; then "last"."""

    def failing(self) -> tuple[Any, str, Callable[[], None]]: ...
    def gridless(self) -> Any: ...
    def shrinking(self) -> Any:
        """Takes any size from 8 x 8 on: a convolution of 3, a pooling of 2, a convolution of 3."""

    def flattening(self) -> Any:
        """Takes 8 x 8 alone."""

    def snapshot(self, model: Any) -> object: ...
    def passes(self, model: Any) -> Any:
        """A block that counts how often the model's first layer runs; answers a function."""

    def nudge(self, model: Any, *, to: float | None = None) -> None:
        """Change the weights of the model's last layer in place, by a little or to a value."""


def images(n: int = 2, seed: int = 0) -> np.ndarray:
    """Random pictures n c H W, float32."""
    return np.random.default_rng(seed).normal(size=(n, *SHAPE)).astype(np.float32)


def network(model: Any, **options: Any) -> Any:
    """The model, opened for pictures of `SHAPE`."""
    return xh.network(model, image_shape=SHAPE, **options)


def native(opened: Any, x: np.ndarray) -> np.ndarray:
    """Inputs n c ... in the order of axes that the network takes."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if opened.channels_last else x


def maps(opened: Any, x: np.ndarray, **how: Any) -> np.ndarray:
    """Maps n h w of pictures as the network takes them, at one layer."""
    found = xh.maps(opened, x, **how)
    assert isinstance(found, np.ndarray), "one layer has one array of maps"
    return found


def random_state() -> list[float]:
    """State of NumPy's global generator, and how far it has been used."""
    state: Any = np.random.get_state()  # noqa: NPY002 - the global one is meant
    return [*state[1].tolist(), *state[2:]]


def slopes(head: Function, activation: np.ndarray, cotangent: np.ndarray) -> np.ndarray:
    """∂⟨cotangent, head(A)⟩/∂A by central differences; NaN within reach of a ReLU's kink."""
    step = 1e-2
    found = np.zeros_like(activation)
    for image in range(len(activation)):
        flat = activation[image].ravel()
        moved = np.tile(flat, (2 * len(flat) + 1, 1))
        places = np.arange(len(flat))
        moved[2 * places, places] += step
        moved[2 * places + 1, places] -= step
        values = head(moved.reshape(-1, *activation.shape[1:])) @ cotangent[image]
        up, down = (values[:-1:2] - values[-1]) / step, (values[-1] - values[1::2]) / step
        slope = (up + down) / 2
        slope[np.abs(up - down) > 0.02 * np.abs(slope).max()] = np.nan
        found[image] = slope.reshape(activation.shape[1:])
    return found


def assert_slopes(found: np.ndarray, wanted: np.ndarray, *, rtol: float) -> None:
    """Equal wherever the differences are to be trusted, and that is nearly everywhere."""
    smooth = np.isfinite(wanted)
    assert smooth.mean() > 0.8
    scale = np.abs(wanted[smooth]).max()
    assert scale > 1e-4, "a gradient of zero shows nothing"
    np.testing.assert_allclose(found[smooth], wanted[smooth], atol=rtol * scale)


def opens_rightly(case: Case, *, atol: float = 1e-5, n: int = 2, gradients: bool = True) -> None:
    """Scores, activation, gradient and replay at the case's layer are what its two sides say."""
    x = images(n)
    recording = network(case.model).record(x, [case.layer])
    (activation,) = recording.activations.values()
    (name,) = recording.activations
    expected = case.trunk(x)
    np.testing.assert_allclose(activation, expected, atol=atol, rtol=atol)
    np.testing.assert_allclose(
        recording.scores, case.head(expected), atol=10 * atol, rtol=10 * atol
    )
    cotangent = np.random.default_rng(1).normal(size=recording.scores.shape).astype(np.float32)
    if gradients:
        pulled = recording.pullback(cotangent)
        assert list(pulled) == [name]
        assert_slopes(pulled[name], slopes(case.head, expected, cotangent), rtol=1e-2)
    others = np.random.default_rng(2).normal(size=(3, *activation.shape[1:])).astype(np.float32)
    replayed = recording.replay(name, others, row=1)
    np.testing.assert_allclose(replayed.scores, case.head(others), atol=10 * atol, rtol=10 * atol)
    if gradients:
        slope = replayed.pullback(cotangent[:1].repeat(3, axis=0))[name]
        wanted = slopes(case.head, others, cotangent[:1].repeat(3, axis=0))
        assert_slopes(slope, wanted, rtol=1e-2)


def checks_of(module: Mapping[str, Any]) -> list[Callable[..., None]]:
    """Every check that a module defines: its functions of one parameter, `kit`."""
    return [
        check
        for name, check in module.items()
        if inspect.isfunction(check)
        and not name.startswith("_")
        and check.__module__ == module["__name__"]
        and list(inspect.signature(check).parameters) == ["kit"]
    ]
