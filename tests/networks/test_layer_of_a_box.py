"""For a box, ``auto`` is what the detector's head reads at the level that the box hangs on."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from training.detectors.models import PerLevel  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadOption  # noqa: E402
from xai_heatmap.core.layers.selection import stages  # noqa: E402
from xai_heatmap.methods._resize import resized  # noqa: E402
from xai_heatmap.testing.networks.anchors import LEVELS, STRIDES, boxes_of  # noqa: E402
from xai_heatmap.testing.networks.levels import Levels, in_keras, in_onnx  # noqa: E402


def picture(side: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, 3, side, side)).astype(np.float32)


def opened(kind: str, classes: int, side: int):
    model = Levels(classes).eval()
    own = {"torch": lambda: model, "onnx": lambda: in_onnx(model, side)}.get(
        kind, lambda: in_keras(model, side)
    )()
    return xh.network(own, image_shape=(3, side, side), answers="boxes")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["torch", "onnx"])
@pytest.mark.parametrize(
    ("classes", "side"),
    [(1, 96), (2, 160), (3, 96), (5, 320), (12, 96), (20, 128), (60, 96), (80, 160)],
)
def test_auto_lies_before_the_head_whatever_the_classes(kind, classes, side):
    network = opened(kind, classes, side)
    survey = network.survey((3, side, side))
    assert [survey.layers[name].grid for name in survey.heads] == [
        (side // stride,) * 2 for stride in STRIDES
    ]
    assert [name.split(".")[0] for name in survey.heads] == list(LEVELS)
    for level, name in enumerate(LEVELS):
        target = xh.box(boxes_of(level, side), 0)
        found = xh.maps(network, picture(side), target=target, method="layercam")
        assert found.shape[1:] == (side // STRIDES[level],) * 2
        named = xh.maps(
            network, picture(side), target=target, method="layercam", layer=[*survey.heads][level]
        )
        assert name in [*survey.heads][level]
        np.testing.assert_array_equal(found, named)


@pytest.mark.parametrize("kind", ["torch", "onnx", "keras"])
def test_the_reason_names_level_and_stride(kind):
    pytest.importorskip(kind)
    network = opened(kind, 2, 96)
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(96, 96), fit="stretch")
    for level, stride in enumerate(STRIDES):
        target = xh.box(boxes_of(level, 96), 1)
        explained = xh.explain(network, rgb, preprocess=prepared, target=target)
        assert f"level {level + 1} of 3" in explained.layer_reason
        assert f"stride {stride}" in explained.layer_reason
        assert explained.layer.grid == (96 // stride,) * 2


@pytest.mark.slow
def test_boxes_of_several_levels_are_no_one_array():
    network = opened("torch", 2, 96)
    x = np.repeat(picture(96), 2, axis=0)
    targets = [xh.box(boxes_of(level, 96), 0) for level in (0, 2)]
    with pytest.raises(BadOption, match="hang on 2 levels"):
        xh.maps(network, x, target=targets)
    found = xh.maps(network, x, target=targets, layer="fine", method="layercam")
    assert found.shape == (2, 12, 12)


@pytest.mark.slow
def test_each_box_of_a_comparison_has_its_own_level():
    network = opened("torch", 2, 96)
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(96, 96), fit="stretch")
    targets = [xh.box(boxes_of(level, 96), 0) for level in range(3)]
    found = xh.compare(network, rgb, preprocess=prepared, targets=targets)
    assert [one.layer.grid for one in found] == [(12, 12), (6, 6), (3, 3)]


def test_joined_levels_stay_joined():
    network = opened("torch", 2, 96)
    target = xh.box(boxes_of(1, 96), 0)
    for method in ("refinecam", "layercam_fused"):
        assert np.isfinite(xh.maps(network, picture(96), target=target, method=method)).all()


class OneBranch(Levels):
    """One convolution a level answers boxes and scores, as older heads have it."""

    def forward(self, x):
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        levels = (fine, middle, self.coarse(middle))
        found = []
        for level, features in enumerate(levels):
            both = self.scores[level](features).flatten(2).transpose(1, 2)
            found.append(torch.cat([both[..., :4] * 0 + 8.0, both[..., 4:].sigmoid()], -1))
        return torch.cat(found, 1)


def test_a_head_of_one_branch_is_read_before_its_convolution():
    network = xh.network(OneBranch(7).eval(), image_shape=(3, 96, 96), answers="boxes")
    survey = network.survey((3, 96, 96))
    assert [name.split(".")[0] for name in survey.heads] == list(LEVELS)
    assert survey.layers[survey.auto].grid in [(12, 12), (6, 6), (3, 3)]


def test_without_a_word_a_box_is_explained_by_a_product_of_layercam():
    from xai_heatmap.testing.networks.anchors import SHAPE, SIDE, scene
    from xai_heatmap.testing.networks.detecting import Bright

    said = xh.network(Bright("yolo"), image_shape=SHAPE, answers="boxes")
    recognised = xh.network(Bright("detr"), image_shape=SHAPE)
    image = (scene().transpose(1, 2, 0) * 255).round().astype(np.uint8)
    how = {"preprocess": xh.Preprocess("unit", input_size=(SIDE, SIDE), fit="stretch")}
    for network in (said, recognised):
        found = xh.explain(network, image, **how)
        assert found.method == "layercam_product"
        named = xh.maps(network, scene()[None], method="layercam_product")
        np.testing.assert_array_equal(xh.maps(network, scene()[None]), named)
        assert named.shape == xh.maps(network, scene()[None], method="layercam").shape
        assert (named != xh.maps(network, scene()[None], method="layercam")).any()
    assert xh.compare(said, image, targets=[xh.box(1)], **how)[0].method == "layercam_product"
    with pytest.raises(BadOption, match="'gradcam', which is not among the methods: layercam_p"):
        xh.compare(said, image, options={"gradcam": {}}, **how)
    classes = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.Flatten()).eval()
    assert xh.explain(classes, image, **how).method == "gradcam"


def test_the_map_of_a_box_is_that_of_its_level_times_that_of_the_trunk():
    network = opened("torch", 2, 96)
    survey = network.survey((3, 96, 96))
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(96, 96), fit="stretch")
    for level in range(3):
        target = xh.box(boxes_of(level, 96), 1)
        found = xh.explain(network, rgb, preprocess=prepared, target=target)
        assert found.layer.name == [*survey.heads][level]
        before = stages(survey, found.layer.name)[-1]
        assert before != found.layer.name
        assert found.map.shape == survey.layers[found.layer.name].grid
        each = xh.compare(
            network, rgb, preprocess=prepared, methods=["layercam"], targets=[target],
            layers=[before, found.layer.name],
        )  # fmt: skip
        trunk, own = (one.map / one.map.max() for one in each)
        product = resized(own, trunk.shape) ** 2 * trunk
        times = len(trunk) // len(own)
        averaged = product.reshape(len(own), times, len(own), times).mean((1, 3))
        np.testing.assert_allclose(found.map, averaged, atol=1e-6)


class Elsewhere(Levels):
    """Scores that hang on the stem alone, past a head that runs for nothing."""

    def forward(self, x):
        found = super().forward(x)
        stem = self.stem(x).mean((1, 2, 3))[:, None, None].sigmoid()
        return torch.cat([found[:, :4], found[:, 4:] * 0 + stem], 1)


def test_a_box_that_hangs_on_no_level_is_explained_at_the_networks_own_layer():
    network = xh.network(Elsewhere(3).eval(), image_shape=(3, 96, 96), answers="boxes")
    survey = network.survey((3, 96, 96))
    assert survey.heads
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(96, 96), fit="stretch")
    explained = xh.explain(network, rgb, preprocess=prepared, target=xh.box(1))
    assert explained.layer.name == survey.auto
    assert explained.map.any()
    alone = xh.maps(network, picture(96), target=xh.top(1))
    named = xh.maps(network, picture(96), target=xh.top(1), layer=survey.auto)
    np.testing.assert_array_equal(alone, named)


class Shared(Levels):
    """One box whose score reads both levels: the whole of the fine one, weakly, and one place of
    the coarse one.
    """

    def forward(self, x):
        fine = self.fine(self.stem(x))
        coarse = self.coarse(self.middle(fine))
        broad = self.scores[0](fine.mean((2, 3), keepdim=True))
        narrow = self.scores[2](coarse[:, :, 1:2, 1:2])
        score = (4 * broad + narrow).flatten(2).transpose(1, 2)
        box = torch.tensor([[[0.5, 0.5, 0.4, 0.4]]]).expand(len(x), -1, -1)
        return {"logits": score, "pred_boxes": box + 0 * score[..., :1]}


def test_of_levels_that_share_a_box_the_one_where_a_place_speaks_most_is_taken():
    model = Shared(3).eval()
    with torch.no_grad():  # all features speak for all classes, and none against any
        for level in (0, 2):
            model.scores[level].weight.abs_()
    network = xh.network(model, image_shape=(3, 96, 96))
    survey = network.survey((3, 96, 96))
    fine, coarse = (next(n for n in survey.heads if n.startswith(w)) for w in ("fine", "coarse"))
    x = picture(96)
    maps = {n: xh.maps(network, x, target=xh.box(1), layer=n)[0] for n in (fine, coarse)}
    assert maps[fine].sum() > maps[coarse].sum()
    assert maps[fine].max() < maps[coarse].max()
    np.testing.assert_array_equal(xh.maps(network, x, target=xh.box(1))[0], maps[coarse])


@pytest.mark.slow
def test_nothing_is_computed_of_levels_that_a_box_does_not_hang_on():
    """Convolutions on the way back of a box: those between its own scores and the stem alone."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counting(TorchDispatchMode):
        passed = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.passed += func.overloadpacket is torch.ops.aten.convolution_backward
            return func(*args, **(kwargs or {}))

    network = opened("torch", 2, 96)
    survey = network.survey((3, 96, 96))
    ends = [end for own in survey.heads.values() for end in own]
    asked = ["stem", *survey.heads, *ends]
    recording = network.record(picture(96), asked)
    one, places = np.zeros_like(recording.scores), recording.form.places
    first = [0, 144, 144 + 36]
    for level, (place, wanted) in enumerate(zip(first, (2, 3, 4), strict=True)):
        seed = one.copy()
        seed[0, place] = 1
        with Counting() as counting:
            pulled = recording.pullback(seed)
        assert counting.passed == wanted  # the scores, and each level from there to the stem
        assert pulled["stem"].any()
        silent = [*survey.heads][level + 1 :]
        assert not any(pulled[name].any() for name in silent)
    assert places == 144 + 36 + 9


def test_layers_are_opened_that_only_the_networks_own_layer_needs():
    model = PerLevel().eval()
    for head in model.heads:  # of the scores no level says anything
        torch.nn.init.zeros_(head.score[-1].weight)
    network = xh.network(model, image_shape=(3, 64, 64), answers="boxes")
    survey = network.survey((3, 64, 64))
    assert survey.auto not in survey.heads
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    prepared = xh.Preprocess("unit", input_size=(64, 64), fit="stretch")
    explained = xh.explain(network, rgb, preprocess=prepared, target=xh.box(1))
    assert explained.layer.name == survey.auto
    assert survey.layers[stages(survey, survey.auto)[-1]].grid == (16, 16)
    assert explained.map.shape == survey.layers[survey.auto].grid == (8, 8)
    assert xh.maps(network, picture(64), target=xh.top(1)).shape == (1, 8, 8)


class Backbone(torch.nn.Module):
    """Two levels as a dict, of which the finer is the answer of an inner part too."""

    def __init__(self):
        super().__init__()
        stem = torch.nn.Conv2d(3, 6, 4, 4)
        fine = torch.nn.Conv2d(6, 6, 2, 2)
        self.first = torch.nn.Sequential(stem, torch.nn.ReLU(), fine, torch.nn.ReLU())
        self.second = torch.nn.Sequential(torch.nn.Conv2d(6, 6, 2, 2), torch.nn.ReLU())

    def forward(self, x):
        fine = self.first(x)
        return {"0": fine, "1": self.second(fine)}


class Named(torch.nn.Module):
    """Scores and boxes of both, (n, 6, boxes)."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = Backbone()
        self.heads = torch.nn.ModuleList(torch.nn.Conv2d(6, 6, 1) for _ in range(2))

    def forward(self, x):
        found = []
        for head, features, stride in zip(
            self.heads, self.backbone(x).values(), STRIDES[:2], strict=True
        ):
            y = head(features)
            rows = torch.arange(y.shape[2]), torch.arange(y.shape[3])
            down, across = torch.meshgrid(*rows, indexing="ij")
            at = torch.stack([across, down]).flatten(1)[None] * stride + stride / 2
            y = y.flatten(2)
            box = [at + 0 * y[:, :2], stride + 0 * y[:, 2:4]]
            found.append(torch.cat([*box, y[:, 4:].sigmoid()], 1))
        return torch.cat(found, 2)


def test_a_level_of_two_names_is_explained_under_the_one_that_is_asked_for():
    network = xh.network(Named().eval(), image_shape=(3, 96, 96), answers="boxes")
    heads = [*network.survey((3, 96, 96)).heads]
    x = picture(96)
    for level in range(len(heads)):
        target = xh.box(boxes_of(level, 96), 0)
        found = xh.maps(network, x, target=target)
        own = xh.maps(network, x, target=target, layer=heads[level])
        np.testing.assert_array_equal(found, own)
