"""Input that is ready, as scripts hold it after their own preprocessing."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadArray, BadOption, UnknownPreprocess  # noqa: E402

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def small(channels=3):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(channels, 4, 4, 4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    ).eval()


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


X = noise(1, 3, 64, 48)
FORMS = {
    "a batch of one": X,
    "no batch": X[0],
    "numpy": X.numpy(),
    "numpy, no batch": X[0].numpy(),
    "double": X.double(),
    "differentiable": X.clone().requires_grad_(),
    "not contiguous": X.permute(0, 3, 2, 1).contiguous().permute(0, 3, 2, 1),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_tensor_is_explained_as_it_is(form):
    model = small()
    right = xh.maps(model, X.numpy(), target=1, method="layercam")[0]
    e = xh.explain(model, FORMS[form], target=1, method="layercam")
    np.testing.assert_allclose(e.map, right, atol=1e-6)
    assert e.heat().shape == (64, 48)
    assert e.overlay().shape == (64, 48, 3)
    assert any("ready as it is" in note for note in e.notes)


def test_a_tensor_in_half_precision_is_read():
    e = xh.explain(small(), X.bfloat16(), target=1)
    assert e.map.shape == (16, 12)


@pytest.mark.slow
def test_jax_and_tensorflow_arrays_are_read():
    jnp = pytest.importorskip("jax.numpy")
    right = xh.explain(small(), X, target=1).map
    np.testing.assert_allclose(
        xh.explain(small(), jnp.asarray(X.numpy()), target=1).map, right, atol=1e-6
    )


def test_compare_takes_it_too():
    compared = xh.compare(small(), X, targets=[0, 1])
    assert [e.index for e in compared] == [0, 1]


def test_the_word_ready_says_it_outright():
    model = small()
    share = X.sigmoid()  # in [0, 1], as a picture could be
    right = xh.maps(model, share.numpy(), target=1)[0]
    e = xh.explain(model, share[0].numpy(), target=1, preprocess="ready")
    np.testing.assert_allclose(e.map, right, atol=1e-6)
    grey = xh.explain(small(1), X[0, 0], preprocess="ready", target=0)
    np.testing.assert_allclose(
        grey.map, xh.maps(small(1), X[:, :1].numpy(), target=0)[0], atol=1e-6
    )


@pytest.mark.slow
def test_known_normalisation_is_undone_where_it_is_drawn():
    photo = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    x = torch.from_numpy(((photo / 255 - MEAN) / STD).astype(np.float32)).permute(2, 0, 1)
    assert np.abs(xh.explain(small(), x, target=0).image.astype(int) - photo).max() <= 1
    plain = torch.from_numpy(photo.astype(np.float32) / 255).permute(2, 0, 1)
    assert np.abs(xh.explain(small(), plain, target=0).image.astype(int) - photo).max() <= 1


def test_other_values_are_stretched():
    e = xh.explain(small(), 50 * X, target=0)
    assert e.image.min() == 0
    assert e.image.max() == 255
    assert any("stretched" in note for note in e.notes)


def test_bands_of_any_number_are_drawn():
    assert xh.explain(small(2), noise(2, 32, 32), target=0).image.shape == (32, 32, 3)
    assert xh.explain(small(12), noise(12, 32, 32), target=0).image.shape == (32, 32, 3)


def test_it_is_drawn_on_the_photograph_given_beside_it():
    photo = np.random.default_rng(0).integers(0, 256, (128, 96, 3)).astype(np.uint8)
    whole = xh.explain(small(), X, image=photo, target=0)
    assert whole.heat().shape == (128, 96)
    np.testing.assert_array_equal(whole.image, photo)
    assert any("if it was cropped" in note for note in whole.notes)
    geometry = xh.Geometry((128, 96), (10.0, 20.0, 58.0, 84.0), (64, 48))
    part = xh.explain(small(), X, image=(photo, geometry), target=0)
    assert part.geometry == geometry
    assert not part.heat()[:20].any()


def test_the_picture_may_still_be_called_image():
    photo = np.random.default_rng(0).integers(0, 256, (64, 48, 3)).astype(np.uint8)
    e = xh.explain(small(), image=photo, preprocess="unit", target=0)
    np.testing.assert_array_equal(e.image, photo)


@pytest.mark.slow
def test_a_tensor_of_bytes_is_a_picture():
    photo = torch.randint(0, 256, (3, 64, 48), generator=torch.Generator().manual_seed(0)).byte()
    right = xh.explain(small(), photo.permute(1, 2, 0).numpy(), preprocess="unit", target=0)
    for given in (photo, photo[None], photo.permute(1, 2, 0)):
        e = xh.explain(small(), given, preprocess="unit", target=0)
        np.testing.assert_array_equal(e.map, right.map)


@pytest.mark.parametrize(
    ("given", "asked", "error", "said"),
    [
        (noise(4, 3, 64, 48), {}, BadArray, r"batch of 4.*list\(x\)"),
        (noise(1, 64, 48, 3), {}, BadArray, r"takes \(c, H, W\).*moveaxis\(x, -1, 1\)"),
        (noise(64, 48, 3).numpy(), {"preprocess": "ready"}, BadArray, r"moveaxis\(x, -1, 0\)"),
        (noise(1, 1, 64, 48), {}, BadArray, "3 channels"),
        (torch.full((3, 64, 48), torch.nan), {}, BadArray, "NaN"),
        (noise(64, 48, 3).sigmoid(), {}, UnknownPreprocess, "preprocess='ready'"),
        ("cat.png", {"preprocess": "ready"}, BadArray, "received 'cat.png'"),
        (X, {"preprocess": "ready", "image": (1, 2)}, BadOption, "a pair"),
        (np.zeros((64, 48, 3), np.uint8), {"image": 1, "preprocess": "unit"}, BadOption, "ready"),
        (noise(2, 3, 4, 5, 6), {"preprocess": "ready"}, BadArray, "real numbers"),
    ],
)
def test_what_is_not_ready_is_refused_with_the_line_to_write(given, asked, error, said):
    network = xh.network(small(), image_shape=(3, 64, 48))
    with pytest.raises(error, match=said):
        xh.explain(network, given, **asked)


@pytest.mark.parametrize(
    ("kind", "how", "said"),
    [
        ("float32", {"device": "meta"}, r"on meta holds no numbers.*x.cpu\(\)"),
        ("int64", {}, r"this Tensor int64. Write x.float\(\)"),
        ("complex64", {}, r"this Tensor complex64. Write x.abs\(\)"),
    ],
)
def test_tensors_that_no_input_is_made_of_are_told_what_to_write(kind, how, said):
    x = torch.zeros(1, 3, 32, 32, dtype=getattr(torch, kind), **how)
    with pytest.raises(BadArray, match=said):
        xh.explain(nn.Conv2d(3, 4, 3), x)


def test_an_array_of_other_axes_than_were_said_is_no_picture():
    network = xh.network(nn.Conv2d(3, 4, 3), axes="tchw")
    with pytest.raises(xh.XaiHeatmapError, match="has 4 axes; received one of 3"):
        xh.explain(network, np.zeros((3, 32, 32), np.float32))
