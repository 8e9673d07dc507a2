"""Baselines and fills that are arrays or other pictures, and regions, on every backend."""

import json
from functools import cache

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch")
pytest.importorskip("keras", reason="needs Keras")

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "methods"))

import xai_heatmap as xh
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.geometry import Geometry
from xai_heatmap.testing.conformance import SHAPE, images
from xai_heatmap.testing.networks.twins import TWINS

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

KINDS = list(TWINS)
PATH = {"integrated_gradients": "baseline", "guided_ig": "baseline", "occlusion": "fill"}
SHORT = {
    "integrated_gradients": {"steps": 3},
    "guided_ig": {"steps": 3},
    "occlusion": {"window": 4, "stride": 4},
}
LABELS = np.zeros(SHAPE[1:], int)
LABELS[:3], LABELS[5:, 4:], LABELS[:, 0] = 4, 7, -1


@cache
def opened(kind):
    model, twin = TWINS[kind]()
    return xh.network(model, image_shape=SHAPE), xh.network(twin, image_shape=SHAPE)


def native(network, x):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if network.channels_last else x


def mapped(network, x, name, layer="input", **options):
    return xh.maps(
        network,
        native(network, x),
        method=name,
        layer=layer,
        target=1,
        options={**SHORT.get(name, {}), **options},
    )


def close(found, wanted, share=1e-4):
    np.testing.assert_allclose(found, wanted, atol=share * np.abs(wanted).max())


@pytest.mark.parametrize("name", PATH)
@pytest.mark.parametrize("kind", KINDS)
def test_a_baseline_for_each_picture_is_in_the_network_s_own_layout(kind, name):
    network, twin = opened(kind)
    x, others = images(3), images(6)[3:]
    found = mapped(network, x, name, **{PATH[name]: native(network, others)})
    close(found, mapped(twin, x, name, **{PATH[name]: others}))
    each = [mapped(twin, x[i : i + 1], name, **{PATH[name]: others[i]})[0] for i in range(3)]
    close(found, each)
    assert np.abs(found - mapped(network, x, name)).max() > 1e-3 * np.abs(found).max()


@pytest.mark.parametrize("name", PATH)
@pytest.mark.parametrize("kind", KINDS)
def test_a_number_and_one_for_each_channel_are_arrays_of_them(kind, name):
    network, _ = opened(kind)
    x = images(2)
    for given, shape in ((0.3, (1, 1, 1)), (np.array([0.1, -0.2, 0.3]), (3, 1, 1))):
        whole = np.broadcast_to(np.reshape(given, shape), SHAPE).astype(np.float32)
        wanted = mapped(network, x, name, **{PATH[name]: native(network, whole[None])})
        close(mapped(network, x, name, **{PATH[name]: given}), wanted, 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_another_picture_at_a_layer_is_what_the_layer_says_of_it(kind):
    network, _ = opened(kind)
    x, other = images(2), images(3)[2:]
    said = network.record(other, ["conv"]).activations["conv"]
    wanted = mapped(network, x, "integrated", "conv", baseline=said)
    found = mapped(
        network, x, "integrated", "conv", baseline=xh.activation_of(native(network, other))
    )
    close(found, wanted, 1e-6)
    rise = network.record(x).scores[:, 1] - network.record(other).scores[:, 1]
    way = {"baseline": xh.activation_of(native(network, other)), "steps": 512}
    many = mapped(network, x, "integrated", "conv", **way)
    np.testing.assert_allclose(many.sum((1, 2)), rise, atol=2e-2 * np.abs(rise).max())


@pytest.mark.parametrize("kind", KINDS)
def test_another_picture_for_each_is_held_to_its_own(kind):
    network, _ = opened(kind)
    x, others = images(3), images(6)[3:]
    found = mapped(
        network, x, "integrated", "conv", baseline=xh.activation_of(native(network, others))
    )
    for i in range(3):
        own = xh.activation_of(native(network, others[i : i + 1]))
        close(found[i : i + 1], mapped(network, x[i : i + 1], "integrated", "conv", baseline=own))


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_score_loses_without_a_region(kind):
    network, _ = opened(kind)
    x = images(2)
    found = mapped(network, x, "occlusion", window=0, stride=0, regions=LABELS, fill=0.4)
    for i in range(2):
        for label in (0, 4, 7):
            covered = np.where(label == LABELS, np.float32(0.4), x[i])[None]
            loss = (network.record(x[i : i + 1]).scores - network.record(covered).scores)[0, 1]
            np.testing.assert_allclose(found[i][label == LABELS], loss, atol=1e-5)
        assert (found[i][LABELS < 0] == 0).all()


@pytest.mark.parametrize("name", ["rise", "sobol", "hsic"])
@pytest.mark.parametrize("kind", KINDS)
def test_masking_methods_know_regions(kind, name):
    network, twin = opened(kind)
    x, how = images(2), {"samples": 40, "regions": LABELS}
    found = mapped(network, x, name, **how)
    close(found, mapped(twin, x, name, **how), 1e-3)
    for label in (4, 7):
        inside = found[:, label == LABELS]
        close(inside, np.repeat(inside[:, :1], inside.shape[1], axis=1), 1e-5)


def test_labels_for_each_picture_and_masks_are_read_as_such():
    network, _ = opened("torch")
    x, other = images(2), LABELS[::-1]
    quiet = {"window": 0, "stride": 0}
    both = mapped(network, x, "occlusion", **quiet, regions=np.stack([LABELS, other]))
    close(both[1:], mapped(network, x[1:], "occlusion", **quiet, regions=other))
    masks = np.stack([label == LABELS for label in (0, 4, 7)])
    for given in (masks, masks.astype(np.float32)):
        found = mapped(network, x, "occlusion", **quiet, regions=given)
        close(found, mapped(network, x, "occlusion", **quiet, regions=LABELS), 1e-6)
    one = mapped(network, x, "occlusion", **quiet, regions=LABELS == 4)
    assert ((one[0] != 0) == (LABELS == 4)).all()


def test_regions_of_the_input_cover_the_places_of_a_layer_by_their_share():
    import torch

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, 4, 1), torch.nn.Flatten(), torch.nn.Linear(16, 2)
    ).eval()
    network, x = xh.network(model, image_shape=SHAPE), images(1)
    regions = np.zeros((1, 8, 8), np.float32)
    regions[0, :2, :4] = 1  # half of one place of the layer's 2 x 2
    found = mapped(network, x, "occlusion", "0", window=0, stride=0, regions=regions)
    a = network.record(x, ["0"]).activations["0"]
    covered = a.copy()
    covered[0, :, 0, 0] /= 2
    scores = network.record(x, ["0"]).replay("0", np.concatenate([a, covered]), row=0).scores
    np.testing.assert_allclose(found[0], [[scores[0, 1] - scores[1, 1], 0], [0, 0]], atol=1e-6)


def photograph(size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)


def test_regions_of_the_photograph_are_found_on_the_input():
    network, _ = opened("torch")
    labels = np.zeros((40, 20), int)
    labels[10:20, :10], labels[:5] = 3, 9  # the crop shows rows 10 to 30
    e = xh.explain(
        network,
        photograph((40, 20)),
        preprocess=xh.Preprocess("unit", fit="crop", ratio=1.0),
        method="occlusion",
        options={"regions": labels},
        target=1,
    )
    assert set(e.regions) == {0, 3}  # number 9 lies where the network did not look
    assert (e.map[:4, :4] == np.float32(e.regions[3])).all()
    assert (e.map[4:] == np.float32(e.regions[0])).all()
    assert json.loads(json.dumps(e.to_dict()))["regions"]["3"] == e.regions[3]


def test_regions_follow_a_flip_and_other_pictures_the_preprocessing():
    network, _ = opened("torch")

    def flipped(picture):
        x = np.asarray(picture, np.float32)[::2, ::-2].transpose(2, 0, 1) / 255
        return np.ascontiguousarray(x), None

    def prepare(picture):
        x, _ = flipped(picture)
        return x, Geometry(
            (16, 16), (0.0, 0.0, 16.0, 16.0), (8, 8), (-2.0, 0.0, 16.0, 0.0, 2.0, 0.0)
        )

    labels = np.zeros((16, 16), int)
    labels[:, :4] = 1  # the left of the photograph, the right of the input
    image, other = photograph((16, 16)), photograph((17, 16))[1:]
    how = {"regions": labels, "fill": xh.activation_of(other)}
    e = xh.explain(network, image, preprocess=prepare, method="occlusion", options=how, target=1)
    x, cover = (flipped(own)[0][None] for own in (image, other))
    covered = x.copy()
    covered[..., 6:] = cover[..., 6:]
    loss = (network.record(x).scores - network.record(covered).scores)[0, 1]
    assert e.regions[1] == pytest.approx(loss, abs=1e-5)
    assert (e.map[:, 6:] == np.float32(e.regions[1])).all()


def test_arrays_are_part_of_what_a_result_is():
    network, _ = opened("torch")
    image = photograph(SHAPE[1:])

    def asked(baseline):
        return xh.explain(
            network,
            image,
            preprocess="unit",
            method="integrated_gradients",
            options={"baseline": baseline, "steps": 2},
        )

    first = np.zeros(SHAPE, np.float32)
    second = first.copy()
    second[0, 0, 0] = 1e-3
    one, again, other = asked(first), asked(first.copy()), asked(second)
    assert one.identity == again.identity != other.identity
    assert json.loads(json.dumps(one.to_dict()))["options"]["baseline"]["array"] == [3, 8, 8]
    assert asked(xh.activation_of(image)).identity not in (one.identity, other.identity)


def test_a_batch_that_memory_does_not_hold_keeps_its_own_rows(monkeypatch):
    network, _ = opened("torch")
    x, others = images(4), images(8)[4:]
    wanted = mapped(network, x, "integrated_gradients", baseline=others)
    record = type(network).record

    def short(self, given, *rest, **how):
        if len(given) > 2:
            raise MemoryError
        return record(self, given, *rest, **how)

    monkeypatch.setattr(type(network), "record", short)
    close(mapped(network, x, "integrated_gradients", baseline=others), wanted, 1e-6)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("occlusion", {"fill": "white"}, "takes 'zero', 'mean', 'blur', a finite number"),
        ("occlusion", {"fill": np.nan}, "a finite number"),
        ("occlusion", {"fill": np.full(SHAPE, np.inf, np.float32)}, "an array of"),
        ("occlusion", {"fill": np.zeros((3, 5, 5), np.float32)}, r"of the shape \(3, 8, 8\)"),
        ("occlusion", {"fill": np.zeros((7, *SHAPE), np.float32)}, "or 2 of them, one for each"),
        ("occlusion", {"fill": xh.activation_of(np.zeros((3, 9, 9)))}, "a picture of 3x8x8"),
        ("occlusion", {"fill": xh.activation_of("cat.png")}, "prepare pictures"),
        ("occlusion", {"regions": LABELS.astype(float)}, "labels.astype"),
        ("occlusion", {"regions": "labels.png"}, "takes a label image"),
        ("occlusion", {"regions": np.zeros((9, 9), int)}, "label image of 8x8"),
        ("occlusion", {"regions": np.full(SHAPE[1:], -1)}, "no number from 0 on"),
        ("occlusion", {"regions": LABELS, "window": 3}, "in the place of window=3"),
    ],
)
def test_what_is_no_baseline_and_no_region_is_told_so(name, options, said):
    network, _ = opened("torch")
    with pytest.raises((BadOption, xh.XaiHeatmapError), match=said):
        xh.maps(network, images(2), method=name, options=options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_for_each_channel_is_drawn_for_each(kind):
    network, twin = opened(kind)
    x = images(2)
    found = mapped(network, x, "integrated_gradients", channels="each")
    assert found.shape == (2, *SHAPE)
    close(found, mapped(twin, x, "integrated_gradients", channels="each"))
    close(found.sum(1), mapped(network, x, "integrated_gradients"))


@pytest.mark.parametrize("layer", ["input", "conv"])
def test_each_channel_has_its_own_heat_and_tile(layer):
    network, _ = opened("torch")
    how = {"preprocess": "unit", "method": "gradient", "layer": layer}
    e = xh.explain(network, photograph((30, 20)), options={"channels": "each"}, **how)
    many = SHAPE[0] if layer == "input" else e.layer.shape[0]
    assert e.heat().shape == (many, 30, 20)
    assert np.abs(e.heat()).max() == pytest.approx(1)
    assert [one.map.shape for one in e.channels] == [e.layer.grid] * many
    first = e.overlay(legend=True)
    assert first.shape[1] > 20 * min(many, 4)
    e.map[np.abs(e.map).max((1, 2)).argmax()] *= 5  # one scale for all: the others fade
    assert layer != "input" or (e.overlay(legend=True) != first).mean() > 0.05
    joined = xh.explain(network, photograph((30, 20)), **how)
    assert joined.channels == ()
    close(e.channels[1].map, e.map[1])
    assert joined.heat().shape == (30, 20)
