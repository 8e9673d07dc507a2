"""Checks of opening: which layers of a network open, and what stands there."""

import numpy as np
import pytest

from xai_heatmap.core.errors import (
    LayerNotReached,
    NoGrid,
    UnknownLayer,
)
from xai_heatmap.testing.conformance.kit import (
    CLASSES,
    SHAPE,
    Case,
    Kit,
    checks_of,
    images,
    maps,
    network,
    opens_rightly,
)


def plain_network_opens(kit: Kit) -> None:
    """A layer opens that is overwritten in place right after its call."""
    opens_rightly(kit.plain())


def residual_branch_opens(kit: Kit) -> None:
    """A branch beside a skip connection opens: activation, replay, and slope along a direction."""
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
    """A layer of a model inside of a model opens by its path."""
    case = kit.nested()
    assert "/" in case.layer or "." in case.layer
    opens_rightly(case)


def last_layer_opens(kit: Kit) -> None:
    """The last layer opens where nothing but arithmetic follows."""
    opens_rightly(kit.last())


def each_call_of_a_shared_layer_opens(kit: Kit) -> None:
    """Each call of a layer that runs twice opens by its number; the bare name means the last."""
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
    """A layer that no pass reaches is not listed, and refused by name."""
    model, name = kit.never()
    opened = network(model)
    assert name not in opened.layers
    with pytest.raises((UnknownLayer, LayerNotReached)):
        opened.record(images(), [name])


def layer_that_answers_a_tuple_opens(kit: Kit) -> None:
    """A layer that answers a tuple opens at its first array."""
    opens_rightly(kit.tuple_layer())


def tokens_become_a_grid_without_their_prefix(kit: Kit) -> None:
    """Tokens of patches are a grid; a class token before them is left out."""
    opens_rightly(kit.tokens())


def picture_is_layer_zero(kit: Kit) -> None:
    """The picture is the layer `input`: the trunk is the identity, the head the whole network."""
    case = kit.plain()
    whole = Case(case.model, "input", lambda x: x, lambda x: case.head(case.trunk(x)))
    opens_rightly(whole)


def layers_are_listed_in_order_of_execution(kit: Kit) -> None:
    """Layers are listed in the order in which they run, with their shapes."""
    case = kit.plain()
    layers = network(case.model).layers
    names = list(layers)
    assert names[0] == "input"
    assert layers["input"].shape == SHAPE
    assert layers[case.layer].shape == case.trunk(images(1)).shape[1:]
    places = [layer.places for layer in layers.values() if layer.places > 1]
    assert places == sorted(places, reverse=True)


def gridless_model_is_refused(kit: Kit) -> None:
    """A network without a layer on a grid has no `auto` layer, and maps of it are refused."""
    opened = network(kit.gridless())
    survey = opened.survey(SHAPE)
    assert survey.auto is None
    native = images() if not opened.channels_last else np.moveaxis(images(), 1, -1)
    with pytest.raises(NoGrid, match="No layer"):
        maps(opened, native)


def auto_layer_is_crossed_by_every_path(kit: Kit) -> None:
    """The `auto` layer is no branch that a skip connection goes around."""
    case = kit.residual()
    survey = network(case.model).survey(SHAPE)
    assert survey.auto is not None
    assert survey.auto != case.layer, "the branch is bypassed"
    assert "every path" in survey.reason


def gradients_of_all_layers_come_from_one_pullback(kit: Kit) -> None:
    """The gradients of all layers are the same together and one by one."""
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
    """Maps of a batch are the maps of its images one by one."""
    case = kit.plain()
    opened, x = network(case.model), images(4)
    native = x if not opened.channels_last else np.moveaxis(x, 1, -1)
    for method in ("gradcam", "hirescam", "layercam", "eigencam"):
        batch = maps(opened, native, method=method, layer=case.layer)
        loop = [
            maps(opened, native[i : i + 1], method=method, layer=case.layer)[0] for i in range(4)
        ]
        np.testing.assert_allclose(batch, np.stack(loop), atol=1e-5)


CHECKS = checks_of(globals())
