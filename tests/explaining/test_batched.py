"""Explanations of many pictures at once are those of each picture alone."""

import itertools

import numpy as np
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.row_recording import RowRecording
from xai_heatmap.explaining.batched import Ask
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.explaining.request import choice, with_options
from xai_heatmap.networks.loading.load import load

METHODS = ("gradcam", "layercam", "ablationcam", "refinecam", "fullgrad", "occlusion", "cam")


@pytest.fixture(scope="module")
def network():
    return xh.network(load("demo"))


@pytest.fixture(scope="module")
def pictures():
    random = np.random.default_rng(3)
    return [random.integers(0, 255, (64 + 8 * n, 72, 3), dtype=np.uint8) for n in range(3)]


def asked(network, method, **how):
    own, options = with_options(method, how.pop("options", None), network)
    target = choice(how.pop("target", None))
    return Ask(network, own, dict(options), how.pop("layer", "auto"), target, **how)


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_gives_what_each_picture_gets_alone(network, pictures, method):
    options = {"window": 16, "stride": 16} if method == "occlusion" else None
    given = [prepare(one, None, network) for one in pictures]
    together = asked(network, method, options=options)(given)
    alone = [xh.explain(network, one, method=method, options=options) for one in pictures]
    for one, own in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.map, own.map, atol=1e-4 * np.abs(own.map).max())
        assert (one.layer, one.layer_reason) == (own.layer, own.layer_reason)
        assert (one.target, one.index, one.geometry) == (own.target, own.index, own.geometry)
        assert one.verdict.word == own.verdict.word
        assert one.score == pytest.approx(own.score, rel=1e-4)
        assert [p.label for p in one.predictions] == [p.label for p in own.predictions]


def test_layer_target_and_labels_count(network, pictures):
    given = [prepare(one, None, network) for one in pictures]
    names = [f"class {n}" for n in range(len(xh.explain(network, pictures[0]).predictions) * 9)]
    first, second = list(network.layers)[2:4]
    one = asked(network, "gradcam", layer=first, target=3)(given)[0]
    two = asked(network, "gradcam", layer=second, target=5)(given)[0]
    assert (one.layer.name, two.layer.name) == (first, second)
    assert (one.index, two.index) == (3, 5)
    assert one.layer_reason == ""
    with pytest.raises(BadOption, match="One name a class"):
        asked(network, "gradcam", labels=names)(given)


def test_one_batch_has_inputs_of_one_shape(network, pictures):
    given = [prepare(one, {"input_size": (32, size)}, network) for one, size in
             zip(pictures, (32, 32, 40), strict=True)]  # fmt: skip
    with pytest.raises(BadOption, match="of one shape"):
        asked(network, "gradcam")(given)


def test_a_row_of_a_recording_is_a_recording_of_that_picture(network, pictures):
    given = [prepare(one, None, network) for one in pictures]
    x = np.stack([one.x for one in given])
    layer = list(network.layers)[2]
    rows = RowRecording(network.record(x, [layer]), 1)
    alone = network.record(x[1:2], [layer])
    seed = np.zeros_like(alone.scores)
    seed[0, 2] = 1
    np.testing.assert_allclose(rows.scores, alone.scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        rows.activations[layer], alone.activations[layer], rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        rows.pullback(seed)[layer], alone.pullback(seed)[layer], rtol=1e-3, atol=1e-5
    )
    seen = []
    rows.each_gradient(seed, lambda names, found: seen.append((names, found)))
    assert seen[0][0] == [layer]
    np.testing.assert_array_equal(seen[0][1], rows.pullback(seed)[layer])
    np.testing.assert_allclose(
        rows.replay(layer, alone.activations[layer], row=0).scores, alone.scores, rtol=1e-3,
        atol=1e-4,
    )  # fmt: skip
    assert (rows.meaning, rows.form) == (alone.meaning, alone.form)


def test_boxes_of_a_batch_lie_each_on_their_own_level():
    pytest.importorskip("torch", reason="needs PyTorch")
    from xai_heatmap.testing.networks.anchors import boxes_of
    from xai_heatmap.testing.networks.levels import Levels

    network = xh.network(Levels(2).eval(), image_shape=(3, 96, 96), answers="boxes")
    how = xh.Preprocess("unit", input_size=(96, 96), fit="stretch")
    random = np.random.default_rng(0)
    given = [random.integers(0, 256, (96, 96, 3)).astype(np.uint8) for _ in range(2)]
    target = xh.box(boxes_of(1, 96), 0)
    ask = asked(network, "layercam_product", target=target)
    together = ask([prepare(one, how, network) for one in given])
    for image, found in zip(given, together, strict=True):
        alone = xh.explain(network, image, target=target, preprocess=how)
        assert (found.method, found.layer.name) == (alone.method, alone.layer.name)
        np.testing.assert_allclose(found.map, alone.map, atol=1e-6 * np.abs(alone.map).max())


def test_boxes_of_one_batch_may_hang_on_several_levels():
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    from xai_heatmap.testing.networks.anchors import boxes_of
    from xai_heatmap.testing.networks.levels import Levels

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Levels(3).eval()
    network = xh.network(model, image_shape=(3, 96, 96), answers="boxes")
    random = np.random.default_rng(4)
    prepared = xh.Preprocess("unit", input_size=(96, 96), fit="stretch")
    images = [random.integers(0, 256, (96, 96, 3), dtype=np.uint8) for _ in range(5)]

    def in_turn():
        turns = itertools.cycle((0, 2, 1))
        pick = lambda answer: xh.box(boxes_of(next(turns), 96), 1)(answer)  # noqa: E731
        return xh.Choice("a box in turn", pick, over=True)

    target = in_turn()
    alone = [
        xh.explain(network, one, preprocess=prepared, target=target, method="gradcam")
        for one in images
    ]
    assert len({one.layer.name for one in alone}) == 3
    given = [prepare(one, prepared, network) for one in images]
    together = asked(network, "gradcam", target=in_turn())(given)
    for one, own in zip(together, alone, strict=True):
        assert (one.layer, one.layer_reason, one.detection) == (
            own.layer, own.layer_reason, own.detection,
        )  # fmt: skip
        np.testing.assert_allclose(one.map, own.map, atol=1e-4 * np.abs(own.map).max())
