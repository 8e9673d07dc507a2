"""Preprocessing of unknown make: where a dot on the photograph arrives, and what is refused."""

import random

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch")
transformers = pytest.importorskip("transformers", reason="needs transformers")

from torch import nn  # noqa: E402

import xai_heatmap as xh  # noqa: E402
from xai_heatmap.core.errors import BadArray, BadOption, ModelError  # noqa: E402
from xai_heatmap.sources.transforms import Transform  # noqa: E402

Resampling = PIL.Image.Resampling
Transpose = PIL.Image.Transpose
SIZES = [(96, 128), (480, 360), (50, 61), (300, 1000)]


def numbers(picture):
    """ToTensor and Normalize of a Pillow image."""
    return (torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() / 255 - 0.45) / 0.22


def resized(picture, side):
    scale = side / min(picture.size)
    return picture.resize([round(length * scale) for length in picture.size], Resampling.BICUBIC)


def centred(picture, side):
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def boxed(picture, side, *, colour=(114, 114, 114)):
    scale = side / max(picture.size)
    small = picture.resize([max(1, round(n * scale)) for n in picture.size], Resampling.BILINEAR)
    canvas = PIL.Image.new("RGB", (side, side), colour)
    canvas.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return canvas


def stretched(picture, width, height, how=Resampling.BILINEAR):
    return picture.resize((width, height), how)


PILLOW = {
    "stretch": lambda p: numbers(stretched(p, 64, 64)),
    "stretch_wide": lambda p: numbers(stretched(p, 96, 48)),
    "stretch_nearest": lambda p: numbers(stretched(p, 64, 64, Resampling.NEAREST)),
    "stretch_box": lambda p: numbers(stretched(p, 64, 64, Resampling.BOX)),
    "stretch_lanczos": lambda p: numbers(stretched(p, 80, 64, Resampling.LANCZOS)),
    "larger": lambda p: numbers(stretched(p, 400, 320)),
    "resize_crop": lambda p: numbers(centred(resized(p, 72), 64)),
    "crop_alone": lambda p: numbers(centred(p, 48)),
    "corner": lambda p: numbers(p.crop((3, 5, 45, 49))),
    "letterbox": lambda p: numbers(boxed(p, 96)),
    "letterbox_black": lambda p: numbers(boxed(p, 96, colour=(0, 0, 0))),
    "letterbox_white": lambda p: numbers(boxed(p, 64, colour=(255, 255, 255))),
    "padded": lambda p: numbers(stretched(PIL.ImageOps.expand(p, 20, fill=7), 72, 72)),
    "flip": lambda p: numbers(stretched(p, 64, 64).transpose(Transpose.FLIP_LEFT_RIGHT)),
    "upside_down": lambda p: numbers(stretched(p, 64, 80).transpose(Transpose.FLIP_TOP_BOTTOM)),
    "quarter_turn": lambda p: numbers(stretched(p, 64, 80).transpose(Transpose.ROTATE_90)),
    "transposed": lambda p: numbers(stretched(p, 64, 80).transpose(Transpose.TRANSPOSE)),
    "rotated": lambda p: numbers(stretched(p, 96, 96).rotate(30, Resampling.BILINEAR)),
    "sheared": lambda p: numbers(
        stretched(p, 96, 96).transform(
            (96, 96), PIL.Image.Transform.AFFINE, (1, 0.3, -10, 0.1, 0.9, 3), Resampling.BILINEAR
        )
    ),
    "grey": lambda p: numbers(stretched(p, 64, 64).convert("L").convert("RGB")),
    "blue_first": lambda p: numbers(stretched(p, 64, 64))[[2, 1, 0]],
    "array": lambda p: np.asarray(p, np.float32)[::2, ::2] / 255,
    "channels_last": lambda p: numbers(stretched(p, 64, 64)).permute(1, 2, 0),
    "with_pictures": lambda p: numbers(stretched(p, 64, 64))[None],
    "in_a_dict": lambda p: {"image": numbers(stretched(p, 64, 64)), "name": "one"},
    "in_a_list": lambda p: [numbers(stretched(p, 64, 64))],
    "half": lambda p: numbers(stretched(p, 64, 64)).half(),
    "bytes": lambda p: np.asarray(stretched(p, 64, 64)),
    "arrays_alone": lambda a: a[10:40, 4:50].astype(np.float32) * 2 - a.shape[0],
}

SIDE = {"height": 64, "width": 64}


def processors():
    t = transformers
    return {
        "vit": t.ViTImageProcessor(size=SIDE),
        "deit": t.DeiTImageProcessor(size={"height": 72, "width": 72}, crop_size=SIDE),
        "clip": t.CLIPImageProcessor(size={"shortest_edge": 72}, crop_size=SIDE),
        "siglip": t.SiglipImageProcessor(size=SIDE),
        "convnext": t.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.875),
        "convnext_large": t.ConvNextImageProcessor(size={"shortest_edge": 384}),
        "bit": t.BitImageProcessor(size={"shortest_edge": 72}, crop_size=SIDE),
        "beit": t.BeitImageProcessor(size=SIDE, do_center_crop=False),
        "mobilevit": t.MobileViTImageProcessor(size={"shortest_edge": 72}, crop_size=SIDE),
        "mobilenet": t.MobileNetV2ImageProcessor(size={"shortest_edge": 72}, crop_size=SIDE),
        "segformer": t.SegformerImageProcessor(size=SIDE),
        "detr": t.DetrImageProcessor(size={"shortest_edge": 80, "longest_edge": 133}),
        "levit": t.LevitImageProcessor(size={"shortest_edge": 64}, crop_size=SIDE),
        "efficientnet": t.EfficientNetImageProcessor(size=SIDE),
        "pvt": t.PvtImageProcessor(size=SIDE),
        "poolformer": t.PoolFormerImageProcessor(size={"shortest_edge": 64}, crop_size=SIDE),
    }


def dotted(size, at):
    """Black, with a white dot whose weight lies around a point (x, y)."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    sigma = max(2.0, min(size) / 24)
    dot = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * sigma**2))
    return np.rint(255 * dot)[..., None].repeat(3, axis=2).astype(np.uint8), sigma


def misplaced(transform, size):
    """How far off, in pixels of the input, a dot on the photograph is said to lie."""
    own = Transform(transform, 3)
    found = own.measured(size).geometry
    assert found is not None
    x = own(np.zeros((*size, 3), np.uint8))
    worst, seen = 0.0, 0
    for across, down in ((0.5, 0.5), (0.4, 0.55), (0.57, 0.42), (0.3, 0.3), (0.7, 0.75)):
        at = across * size[1], down * size[0]
        picture, sigma = dotted(size, at)
        heat = np.abs(own(picture) - x).sum(axis=0)
        v, u = np.mgrid[0 : heat.shape[0], 0 : heat.shape[1]] + 0.5
        wanted = found.to_input(*at)
        reach = 3.5 * sigma * max(abs(a) for a in steps(found, at))
        near = [
            reach <= place <= n - reach for place, n in zip(wanted, heat.shape[::-1], strict=True)
        ]
        if all(near):
            centre = (heat * u).sum() / heat.sum(), (heat * v).sum() / heat.sum()
            worst = max(worst, np.hypot(centre[0] - wanted[0], centre[1] - wanted[1]))
            seen += 1
    return worst, seen


def steps(geometry, at):
    """Input pixels for each pixel of the photograph, each way."""
    u, v = geometry.to_input(*at)
    right, down = geometry.to_input(at[0] + 1, at[1]), geometry.to_input(at[0], at[1] + 1)
    return right[0] - u, right[1] - v, down[0] - u, down[1] - v


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PILLOW)
def test_a_dot_lies_where_it_was_planted(name, size):
    worst, _ = misplaced(PILLOW[name], size)
    assert worst <= 0.6


@pytest.mark.parametrize("name", processors())
def test_a_dot_lies_where_it_was_planted_by_transformers(name):
    processor = processors()[name]
    for size in SIZES[:2]:
        worst, _ = misplaced(processor, size)
        assert worst <= 0.6, size


def test_dots_are_seen_at_all():
    for name in ("stretch", "resize_crop", "letterbox", "flip", "rotated", "crop_alone"):
        assert sum(misplaced(PILLOW[name], size)[1] for size in SIZES) >= 4, name


class Red(nn.Module):
    """Scores how red each patch of 4 x 4 pixels is, and tells a list of its user what it was given;
    a list of its own would be as before after every pass.
    """

    def __init__(self, channels=3, given=()):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2, 4, 4)
        self.last = nn.Linear(2, 2)
        self.told = given.append if isinstance(given, list) else lambda _: None
        with torch.no_grad():
            for weight in self.parameters():
                weight.zero_()
            self.conv.weight[0, 0] = 1
            self.conv.bias[0] = 40
            self.last.weight[0, 0] = 1

    def forward(self, x):
        self.told(x.detach().numpy().copy())
        return self.last(self.conv(x).relu().mean((2, 3)))


def spot(size, at):
    picture = np.zeros((*size, 3), np.uint8)
    picture[at[0] - 5 : at[0] + 5, at[1] - 5 : at[1] + 5, 0] = 255
    return picture


def hottest(e):
    heat = e.heat()
    rows, columns = np.nonzero(heat > 0.8 * heat.max())
    return rows.mean() + 0.5, columns.mean() + 0.5


@pytest.mark.parametrize(
    "name", ["stretch", "resize_crop", "letterbox", "flip", "quarter_turn", "rotated", "sheared"]
)
def test_heat_lies_on_the_photograph(name):
    picture = spot((96, 128), (44, 70))
    network = xh.network(Red().eval(), image_shape=(3, 64, 64))
    e = xh.explain(network, picture, preprocess=PILLOW[name], target=0, method="layercam")
    assert e.image.shape == (96, 128, 3)
    assert np.hypot(*(np.array(hottest(e)) - (44, 70))) < 4
    assert "transform" in e.to_dict()["preprocess"]


@pytest.mark.parametrize("name", ["vit", "clip", "convnext", "bit", "segformer"])
def test_the_network_is_given_what_the_processor_answers(name):
    given = []
    processor, model = processors()[name], Red(given=given).eval()
    picture = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    xh.explain(xh.network(model, image_shape=(3, 64, 64)), picture, preprocess=processor, target=0)
    right = processor(images=PIL.Image.fromarray(picture), return_tensors="np")["pixel_values"]
    np.testing.assert_array_equal(given[-1], right)


def test_the_random_state_of_the_caller_stays_what_it_is():
    picture = spot((96, 128), (44, 70))
    model = Red().eval()
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - what is looked at
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    xh.explain(model, picture, preprocess=PILLOW["stretch"], target=0)
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_how_often_a_preprocessing_is_called():
    times = []

    def counted(picture):
        times.append(1)
        return numbers(stretched(picture, 64, 64))

    own = Transform(counted, 3)
    own.measured((96, 128))
    assert len(times) == 6
    own.measured((96, 128))
    assert len(times) == 6


def noisy(picture):
    return numbers(stretched(picture, 64, 64)) + 0.01 * torch.rand(())


class RandomHorizontalFlip:
    """As torchvision's, with a generator of its own."""

    def __init__(self):
        self.dice = np.random.default_rng(1)

    def __call__(self, picture):
        x = numbers(stretched(picture, 64, 64))
        return x.flip(2) if self.dice.random() < 0.5 else x


class Chain:
    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, picture):
        for step in self.transforms:
            picture = step(picture)
        return picture


def any_size(picture):
    side = 60 + int(np.asarray(picture).mean() > 0) * 4
    return numbers(stretched(picture, side, side))


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (noisy, "noisy draws at random"),
        (RandomHorizontalFlip(), "draws at random .RandomHorizontalFlip"),
        (Chain(RandomHorizontalFlip()), "Chain draws at random .RandomHorizontalFlip"),
        (lambda p: numbers(stretched(p, 64 + random.getrandbits(1), 64)), "one size|at random"),
        (lambda p: [numbers(stretched(p, 64, 64))] * 5, r"5 things.*FiveCrop.*\[0\]"),
        (lambda p: torch.stack([numbers(stretched(p, 64, 64))] * 2), "2x3x64x64.*crops"),
        (lambda p: stretched(p, 64, 64), "Pillow image.*ToTensor"),
        (lambda p: None, "answered a NoneType"),
        (lambda p: "cat", "answered a str"),
        (lambda p: np.zeros((3, 0, 4)), "shape"),
        (lambda p: {"mask": np.zeros((64, 64))}, r"answered mask.*KEY"),
        (lambda p: p.nothing, "failed on a picture.*no attribute"),
        (any_size, "one size for pictures of one size"),
        (lambda p: (numbers(p), numbers(p)), "2 things"),
    ],
)
def test_what_can_not_be_used_is_refused_in_words(own, said):
    with pytest.raises(ModelError if said == "model" else (BadOption, BadArray), match=said):
        xh.explain(Red().eval(), spot((96, 128), (44, 70)), preprocess=own, target=0)


def test_an_input_of_another_model_is_refused_with_the_line_to_write():
    picture = spot((96, 128), (44, 70))
    with pytest.raises(BadArray, match="takes 1 channel; received 3"):
        xh.explain(Red(1).eval(), picture, preprocess=PILLOW["stretch"], target=0)
    vit = transformers.ViTForImageClassification(
        transformers.ViTConfig(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=8,
        )
    ).eval()
    with pytest.raises(BadArray, match="It works with 32x32"):
        xh.explain(vit, picture, preprocess=processors()["vit"])


def swirled(picture):
    y, x = np.mgrid[0:64, 0:64] / 63
    rows, columns = (y**2 * (picture.height - 1)).astype(int), (x * (picture.width - 1)).astype(int)
    return torch.from_numpy(np.asarray(picture)[rows, columns]).permute(2, 0, 1) / 255


def own_range(picture):
    x = numbers(stretched(picture, 64, 64))
    return (x - x.mean()) / (x.std() + 1e-3)


def gamma(picture):
    return (torch.from_numpy(np.array(stretched(picture, 64, 64))).permute(2, 0, 1) / 255) ** 2.2


@pytest.mark.parametrize("own", [swirled, gamma])
def test_what_is_no_plane_is_drawn_on_the_input_and_said(own):
    network = xh.network(Red().eval(), image_shape=(3, 64, 64))
    e = xh.explain(network, spot((96, 128), (44, 70)), preprocess=own, target=0)
    assert e.image.shape == (64, 64, 3)
    assert any("not on the photograph" in note for note in e.notes)
    assert e.heat().shape == (64, 64)


def test_a_picture_drawn_on_its_own_range_keeps_its_place_or_says_so():
    network = xh.network(Red().eval(), image_shape=(3, 64, 64))
    e = xh.explain(network, spot((96, 128), (44, 70)), preprocess=own_range, target=0)
    if e.image.shape == (96, 128, 3):
        assert np.allclose(e.geometry.box, (0, 0, 128, 96), atol=1)
    else:
        assert any("not on the photograph" in note for note in e.notes)


def test_a_preprocessing_that_says_its_geometry_is_believed():
    geometry = xh.Geometry((96, 128), (0.0, 0.0, 64.0, 64.0), (64, 64))

    def own(image):
        return image[:64, :64].transpose(2, 0, 1).astype(np.float32), geometry

    e = xh.explain(Red().eval(), spot((96, 128), (44, 50)), preprocess=own, target=0)
    assert e.geometry == geometry


class RandomVerticalFlip:
    """As torchvision's: a coin is tossed whatever its probability is."""

    def __init__(self, p):
        self.p = p

    def __call__(self, picture):
        tossed = float(torch.rand(1)) < self.p
        return picture.transpose(PIL.Image.Transpose.FLIP_TOP_BOTTOM) if tossed else picture


class RandomShade(RandomVerticalFlip):
    """Sure to change the picture, each time otherwise."""

    def __call__(self, picture):
        shade = float(torch.rand(1))
        return picture.point(lambda value: value * shade)


@pytest.mark.parametrize("p", [0, 1.0])
def test_a_flip_that_is_sure_is_a_flip(p):
    own = Chain(RandomVerticalFlip(p), lambda picture: numbers(stretched(picture, 64, 64)))
    geometry = Transform(own, 3).measured((80, 100)).geometry
    x, y = geometry.to_image(16.0, 16.0)
    assert (round(x), round(y)) == (25, 60 if p else 20)


@pytest.mark.parametrize("own", [RandomVerticalFlip(0.5), RandomShade(1.0)])
def test_a_coin_that_is_open_and_a_sure_step_that_draws_are_refused(own):
    with pytest.raises(BadOption, match=f"draws at random .{type(own).__name__}"):
        Transform(Chain(own, lambda p: numbers(stretched(p, 64, 64))), 3).measured((80, 100))
