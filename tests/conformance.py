"""What every backend has to pass: the same checks on the same small networks, whatever built them.

A backend brings a `Kit`: one small model for each trap, with the way to its layer and the head
behind it written out a second time in the framework's own words.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import (
    BadArray,
    LayerNotReached,
    NoGrid,
    NoHead,
    NonFiniteScores,
    UnknownLayer,
)

Function = Callable[[np.ndarray], np.ndarray]

SHAPE = (3, 8, 8)
"""(c, H, W) of every kit's pictures."""
CLASSES = 4


@dataclass(frozen=True)
class Case:
    """A model, one of its layers, and that layer's two sides as plain functions of arrays.

    `trunk` maps n c H W to the layer's activation n k h w, `head` maps that to logits n classes.
    """

    model: Any
    layer: str
    trunk: Function
    head: Function


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
    return np.random.default_rng(seed).normal(size=(n, *SHAPE)).astype(np.float32)


def network(model: Any, **options: Any) -> Any:
    return xh.network(model, image_shape=SHAPE, **options)


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


def plain_network_opens(kit: Kit) -> None:
    opens_rightly(kit.plain())


def residual_branch_opens(kit: Kit) -> None:
    case = kit.residual()
    x = images()
    recording = network(case.model).record(x, [case.layer])
    activation = recording.activations[case.layer]
    np.testing.assert_allclose(activation, case.trunk(x), atol=1e-5)
    np.testing.assert_allclose(
        recording.replay(case.layer, activation[:1], row=0).scores, recording.scores[:1], atol=1e-4
    )
    moved = recording.replay(case.layer, np.zeros_like(activation[:1]), row=0).scores
    assert np.abs(moved - recording.scores[:1]).max() > 1e-3
    direction = np.random.default_rng(3).normal(size=activation[:1].shape).astype(np.float32)
    cotangent = np.eye(CLASSES, dtype=np.float32)[[1, 1]]
    step = 1e-2
    ahead, behind = (
        recording.replay(case.layer, activation[:1] + s * direction, row=0).scores[0, 1]
        for s in (step, -step)
    )
    along = float((recording.pullback(cotangent)[case.layer][0] * direction[0]).sum())
    assert along == pytest.approx((ahead - behind) / (2 * step), rel=2e-2, abs=1e-3)


def nested_model_opens_by_its_path(kit: Kit) -> None:
    case = kit.nested()
    assert "/" in case.layer or "." in case.layer
    opens_rightly(case)


def last_layer_opens(kit: Kit) -> None:
    opens_rightly(kit.last())


def each_call_of_a_shared_layer_opens(kit: Kit) -> None:
    first, second = kit.twice()
    assert first.layer.endswith("#1")
    assert second.layer.endswith("#2")
    opens_rightly(first)
    opens_rightly(second)
    bare = first.layer.removesuffix("#1")
    x = images()
    found = network(first.model).record(x, [bare]).activations
    assert list(found) == [second.layer], "the bare name means the last call"


def layer_that_never_runs_is_refused(kit: Kit) -> None:
    model, name = kit.never()
    opened = network(model)
    assert name not in opened.layers
    with pytest.raises((UnknownLayer, LayerNotReached)):
        opened.record(images(), [name])


def layer_that_answers_a_tuple_opens(kit: Kit) -> None:
    opens_rightly(kit.tuple_layer())


def model_that_answers_a_tuple_opens(kit: Kit) -> None:
    opens_rightly(kit.tuple_output())


def model_that_answers_a_dict_opens(kit: Kit) -> None:
    opens_rightly(kit.dict_output())


def closing_softmax_is_left_out(kit: Kit) -> None:
    case = kit.softmax()
    opens_rightly(case)
    opened = network(case.model)
    assert opened.closing == "softmax"
    assert opened.record(images()).meaning == "logits"
    kept = network(case.model, keep_closing=True).record(images())
    assert kept.meaning == "probabilities"
    np.testing.assert_allclose(kept.scores.sum(axis=1), 1, atol=1e-5)


def softmax_in_a_call_is_left_out_or_said(kit: Kit) -> None:
    case = kit.functional_softmax()
    x = images()
    recording = network(case.model).record(x, [case.layer])
    logits = case.head(case.trunk(x))
    assert recording.meaning in ("logits", "log-probabilities")
    if recording.meaning == "logits":
        np.testing.assert_allclose(recording.scores, logits, atol=1e-4)
    else:
        log = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        np.testing.assert_allclose(recording.scores, log, atol=1e-4)
        cotangent = np.array([[1, -1, 0, 0], [0, 0, 1, -1]], np.float32)  # where the two agree
        wanted = slopes(case.head, case.trunk(x), cotangent)
        assert_slopes(recording.pullback(cotangent)[case.layer], wanted, rtol=1e-2)


def single_sigmoid_unit_is_for_and_against(kit: Kit) -> None:
    case = kit.sigmoid_unit()
    opens_rightly(case)
    opened, x = network(case.model), images(3)
    assert opened.closing == "sigmoid"
    native = x if not opened.channels_last else np.moveaxis(x, 1, -1)
    assert opened.record(x).scores.shape == (3, 1)
    signed = {"method": "gradcam", "options": {"relu": False}}
    for_, against = (xh.maps(opened, native, layer=case.layer, target=t, **signed) for t in (1, 0))
    assert np.abs(for_).max() > 0
    np.testing.assert_allclose(for_, -against, atol=1e-6)


def sigmoid_labels_are_left_open(kit: Kit) -> None:
    case = kit.sigmoid_labels()
    opens_rightly(case)
    assert network(case.model).closing == "sigmoid"


def training_mode_is_put_aside_and_given_back(kit: Kit) -> None:
    case = kit.dropout()
    opens_rightly(case)
    before = kit.snapshot(case.model)
    opened = network(case.model)
    first, second = (opened.record(images(), [case.layer]) for _ in range(2))
    np.testing.assert_array_equal(first.scores, second.scores)
    assert kit.snapshot(case.model) == before


def frozen_weights_do_not_matter(kit: Kit) -> None:
    opens_rightly(kit.frozen())


def half_precision_crosses_as_float32(kit: Kit) -> None:
    case = kit.half()
    recording = network(case.model).record(images(), [case.layer])
    cotangent = np.eye(CLASSES, dtype=np.float32)[[0, 1]]
    arrays = [
        recording.scores,
        recording.activations[case.layer],
        recording.pullback(cotangent)[case.layer],
    ]
    assert all(array.dtype == np.float32 for array in arrays)
    expected = case.trunk(images())
    np.testing.assert_allclose(arrays[1], expected, atol=3e-2 * np.abs(expected).max())
    wanted = slopes(case.head, expected, cotangent)
    assert_slopes(arrays[2], wanted, rtol=5e-2)


def tokens_become_a_grid_without_their_prefix(kit: Kit) -> None:
    opens_rightly(kit.tokens())


def head_that_cannot_stand_alone_makes_whole_passes_and_says_so(kit: Kit) -> None:
    case = kit.folding()
    x = images()
    opened = network(case.model)
    recording = opened.record(x, [case.layer])
    others = np.random.default_rng(2).normal(size=(3, *recording.activations[case.layer].shape[1:]))
    others = others.astype(np.float32)
    with pytest.warns(UserWarning, match="can't be run on its own"):
        scores = recording.replay(case.layer, others, row=1).scores
    np.testing.assert_allclose(scores, case.head(others), atol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened.record(x, [case.layer]).replay(case.layer, others, row=0)


def head_that_draws_at_random_is_refused_with_what_works(kit: Kit) -> None:
    recording = network(kit.drawing()).record(images(1), ["conv", "last"])
    for name in ("conv", "input"):
        own = recording.activations.get(name, images(1))
        for _ in range(2):
            with pytest.raises(NoHead, match=r"draws at random.*gradcam.*behind layer 'last' can"):
                recording.replay(name, own, row=0)
    last = recording.activations["last"]
    np.testing.assert_allclose(
        recording.replay("last", last, row=0).scores, recording.scores, atol=1e-5
    )


def head_that_looks_at_a_whole_batch_is_given_one_at_a_time(kit: Kit) -> None:
    opened = network(kit.mixing())
    recording = opened.record(images(1), ["conv"])
    own = recording.activations["conv"]
    other = own * np.float32(0.5)
    with pytest.warns(UserWarning, match="one at a time"):
        both = recording.replay("conv", np.concatenate([own, other]), row=0).scores
    np.testing.assert_allclose(both[:1], recording.scores, atol=1e-4)
    alone = recording.replay("conv", other, row=0).scores
    np.testing.assert_allclose(both[1:], alone, atol=1e-5)


def head_of_an_image_that_others_changed_is_refused(kit: Kit) -> None:
    opened = network(kit.mixing())
    alone = opened.record(images(1), ["conv"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alone.replay("conv", alone.activations["conv"], row=0)
    recording = opened.record(images(2), ["conv"])
    with pytest.raises(NoHead, match=r"change each other's scores.*one picture at a time"):
        recording.replay("conv", recording.activations["conv"][:1], row=0)


def exception_in_the_middle_leaves_nothing_behind(kit: Kit) -> None:
    model, layer, fail = kit.failing()
    opened = network(model)
    opened.record(images(), [layer])
    before = kit.snapshot(model)
    fail()
    with pytest.raises(ZeroDivisionError):
        opened.record(images(n=3, seed=5), [layer])
    assert kit.snapshot(model) == before


def nothing_of_the_model_is_changed(kit: Kit) -> None:
    case = kit.plain()
    before = kit.snapshot(case.model)
    state = np.random.get_state()[1].tolist()  # noqa: NPY002 - the global one is meant
    recording = network(case.model).record(images(), [case.layer])
    recording.pullback(np.ones((2, CLASSES), np.float32))
    recording.replay(case.layer, recording.activations[case.layer][:1], row=0)
    assert kit.snapshot(case.model) == before
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def one_forward_pass_records(kit: Kit) -> None:
    case = kit.plain()
    opened = network(case.model)
    x = images()
    opened.record(x, [case.layer])  # what is learnt or compiled at first is not counted
    with kit.passes(case.model) as passes:
        recording = opened.record(x, [case.layer])
        recording.pullback(np.ones((2, CLASSES), np.float32))
        recording.pullback(np.ones((2, CLASSES), np.float32))
    assert passes() <= 1


def picture_is_layer_zero(kit: Kit) -> None:
    case = kit.plain()
    whole = Case(case.model, "input", lambda x: x, lambda x: case.head(case.trunk(x)))
    opens_rightly(whole)


def layers_are_listed_in_order_of_execution(kit: Kit) -> None:
    case = kit.plain()
    layers = network(case.model).layers
    names = list(layers)
    assert names[0] == "input"
    assert layers["input"].shape == SHAPE
    assert layers[case.layer].shape == case.trunk(images(1)).shape[1:]
    places = [layer.places for layer in layers.values() if layer.places > 1]
    assert places == sorted(places, reverse=True)


def gridless_model_is_refused(kit: Kit) -> None:
    opened = network(kit.gridless())
    survey = opened.survey(SHAPE)
    assert survey.auto is None
    native = images() if not opened.channels_last else np.moveaxis(images(), 1, -1)
    with pytest.raises(NoGrid, match="No layer"):
        xh.maps(opened, native)


def auto_layer_is_crossed_by_every_path(kit: Kit) -> None:
    case = kit.residual()
    survey = network(case.model).survey(SHAPE)
    assert survey.auto is not None
    assert survey.auto != case.layer, "the branch is bypassed"
    assert "every path" in survey.reason


def gradients_of_all_layers_come_from_one_pullback(kit: Kit) -> None:
    case = kit.plain()
    opened = network(case.model)
    names = [layer.name for layer in opened.layers.values() if layer.places > 1]
    together = opened.record(images(), names)
    cotangent = np.random.default_rng(4).normal(size=together.scores.shape).astype(np.float32)
    gradients = together.pullback(cotangent)
    one_by_one: dict[str, np.ndarray] = {}
    together.each_gradient(
        cotangent, lambda layers, found: one_by_one.update(dict.fromkeys(layers, found.copy()))
    )
    assert set(gradients) == set(one_by_one) == set(names)
    for name in names:
        alone = opened.record(images(), [name])
        np.testing.assert_allclose(alone.activations[name], together.activations[name], atol=1e-6)
        np.testing.assert_allclose(alone.pullback(cotangent)[name], gradients[name], atol=1e-6)
        np.testing.assert_allclose(one_by_one[name], gradients[name], atol=1e-7)


def batch_equals_loop(kit: Kit) -> None:
    case = kit.plain()
    opened, x = network(case.model), images(4)
    native = x if not opened.channels_last else np.moveaxis(x, 1, -1)
    for method in ("gradcam", "hirescam", "layercam", "eigencam"):
        batch = xh.maps(opened, native, method=method, layer=case.layer)
        loop = [
            xh.maps(opened, native[i : i + 1], method=method, layer=case.layer)[0] for i in range(4)
        ]
        np.testing.assert_allclose(batch, np.stack(loop), atol=1e-5)


def weights_changed_by_their_owner_are_seen(kit: Kit) -> None:
    case = kit.plain()
    opened, x = network(case.model), images()
    before = opened.record(x, [case.layer]).scores
    kit.nudge(case.model)
    after = opened.record(x, [case.layer]).scores
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, case.head(case.trunk(x)), atol=1e-4)


def infinite_scores_are_an_error(kit: Kit) -> None:
    case = kit.plain()
    opened = network(case.model)
    kit.nudge(case.model, to=float("nan"))
    with pytest.raises(NonFiniteScores, match="NaN"):
        opened.record(images(), [case.layer])


def pictures_too_small_are_refused_with_the_smallest_that_fit(kit: Kit) -> None:
    opened = xh.network(kit.shrinking())
    for shape in ((3, 7, 7), (3, 3, 3), (3, 1, 1), (3, 7, 40), (3, 40, 2)):
        with pytest.raises(BadArray, match=r"can't take .* It takes 8x8 or more: make them larger"):
            opened.record(np.zeros((1, *shape), np.float32))
    assert opened.record(np.zeros((1, 3, 8, 8), np.float32)).scores.shape == (1, CLASSES)
    assert opened.record(np.zeros((1, 3, 8, 40), np.float32)).scores.shape == (1, CLASSES)


def pictures_of_another_size_are_refused_with_the_one_that_fits(kit: Kit) -> None:
    opened = xh.network(kit.flattening())
    for shape in ((3, 4, 4), (3, 12, 12), (3, 8, 9)):
        with pytest.raises(BadArray, match=r"(works with |pictures of 3x)8x8"):
            opened.record(np.zeros((1, *shape), np.float32))


def pictures_of_other_channels_are_refused_with_the_number_that_fits(kit: Kit) -> None:
    opened = xh.network(kit.shrinking())
    for channels in (1, 2, 4):
        with pytest.raises(BadArray, match=r"takes 3 channels|pictures of 3x"):
            opened.record(np.zeros((1, channels, 9, 9), np.float32))
    with pytest.raises(BadArray, match=r"3 channels; received 4. .*8x8|3x8x8"):
        xh.network(kit.flattening()).record(np.zeros((1, 4, 9, 9), np.float32))
    with pytest.raises(BadArray, match=r"moveaxis|pictures of 3x"):
        opened.record(np.zeros((1, 9, 9, 3), np.float32))


CHECKS = [
    check
    for name, check in list(globals().items())
    if callable(check)
    and getattr(check, "__module__", None) == __name__
    and check.__annotations__.get("kit") is Kit
]
