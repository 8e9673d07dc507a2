"""Pictures reach a network as the library that it comes from would show them, pixel by pixel."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.geometry import cropped, letterboxed
from xai_heatmap.networks.loading.hubs.hf_settings import facts, with_defaults
from xai_heatmap.networks.loading.hubs.timm_settings import preprocess as of_timm
from xai_heatmap.sources.preprocess import Preprocess

PEERS = Path(sys.prefix) / "peers"

SIZES = [(480, 641), (427, 640), (667, 1000), (333, 500), (641, 480), (200, 301), (256, 256)]
SIZES += [(97, 61), (61, 98), (224, 225), (300, 1201), (33, 33), (448, 300)]


def steep(rows, columns):
    """A picture in which a sub-pixel shows: ramps that start again and again, and noise."""
    ramp = np.linspace(0, 255, 3 * rows * columns).reshape(rows, columns, 3)[:, :, ::-1] % 64 * 4
    noise = np.random.default_rng(rows * columns).integers(0, 40, ramp.shape)
    return np.clip(ramp + noise, 0, 255).astype(np.uint8)


def slowly_cropped(image, short, crop, *, halves):
    """What torchvision and transformers publish, written out: a whole shorter side, a longer one
    cut off to whole pixels, and of that the centre.
    """
    rows, columns = image.shape[:2]
    if columns <= rows:
        size = (short, int(short * rows / columns))
    else:
        size = (int(short * columns / rows), short)
    whole = PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BILINEAR)
    left, top = halves((size[0] - crop) / 2), halves((size[1] - crop) / 2)
    return np.asarray(whole.crop((left, top, left + crop, top + crop)))


def pixels(prepare, image):
    x, geometry = prepare(image)
    return x.transpose(1, 2, 0), geometry


@pytest.mark.parametrize(("half", "halves"), [("even", round), ("down", int)])
@pytest.mark.parametrize(("short", "crop"), [(256, 224), (57, 50), (232, 224), (59, 32)])
def test_every_size_is_cropped_by_the_familys_rule(short, crop, half, halves):
    prepare = Preprocess("raw", input_size=(crop, crop), fit="crop", ratio=crop / short, half=half)
    for size in SIZES:
        image = steep(*size)
        got, _ = pixels(prepare, image)
        np.testing.assert_array_equal(got, slowly_cropped(image, short, crop, halves=halves), size)


@pytest.mark.parametrize(("half", "halves"), [("even", round), ("down", int)])
def test_every_size_has_the_familys_place(half, halves):
    for rows in range(1, 400, 7):
        for columns in range(1, 500, 3):
            geometry = cropped((rows, columns), (50, 50), ratio=50 / 57, half=half)
            tall, wide = geometry.resized
            assert min(tall, wide) == 57
            assert max(tall, wide) == int(57 * max(rows, columns) / min(rows, columns))
            assert geometry.offset == (halves((tall - 50) / 2), halves((wide - 50) / 2))


def test_an_odd_pixel_of_a_border_lies_below_and_right():
    assert letterboxed((63, 64), (64, 64)).offset == (0, 0)
    assert letterboxed((64, 61), (64, 64)).offset == (0, -1)


PROCESSORS = {
    "ViTImageProcessor": {},
    "DeiTImageProcessor": {},
    "CLIPImageProcessor": {},
    "ConvNextImageProcessor": {"size": {"shortest_edge": 224}, "crop_pct": 0.875},
    "ConvNextImageProcessor#384": {"size": {"shortest_edge": 384}},
    "EfficientNetImageProcessor": {"resample": 0},
    "MobileViTImageProcessor": {"size": {"shortest_edge": 288}},
    "MobileNetV2ImageProcessor": {},
    "BitImageProcessor": {
        "size": {"shortest_edge": 256},
        "crop_size": {"height": 225, "width": 225},
    },
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_transformers_own_processors_show_the_same(name):
    transformers = pytest.importorskip("transformers")
    kind = name.partition("#")[0]
    theirs = getattr(transformers, f"{kind}Pil", None)
    if theirs is None:
        pytest.skip("this version of transformers has no processor without torchvision")
    given = PROCESSORS[name]
    said, size = facts(with_defaults(given | {"image_processor_type": kind}, transformers))
    prepare = Preprocess.from_dict(said | {"input_size": list(size)})
    for image in (steep(*size) for size in SIZES):
        wanted = theirs(**given)(PIL.Image.fromarray(image))["pixel_values"][0]
        np.testing.assert_allclose(
            prepare(image)[0], np.asarray(wanted), atol=2e-5, err_msg=f"{name} {image.shape}"
        )


def test_old_settings_without_a_word_mean_what_their_class_does():
    transformers = pytest.importorskip("transformers")
    written = {"feature_extractor_type": "MobileViTFeatureExtractor", "size": 288, "crop_size": 256}
    said, size = facts(with_defaults(written, transformers))
    assert (said["mode"], said["fit"], said["ratio"], size) == (
        "caffe",
        "crop",
        256 / 288,
        (256, 256),
    )
    x, _ = Preprocess.from_dict(said | {"input_size": [256, 256]})(
        np.full((9, 9, 3), (255, 0, 51), "u1")
    )
    np.testing.assert_allclose(x[:, 0, 0], [0.2, 0, 1], atol=1e-6)  # blue first, in 0 to 1


SCRIPT = """
import sys
import numpy as np, PIL.Image, torch
from benchmarks.torchvision_operators import declare_missing_operators
declare_missing_operators()
from torchvision.transforms import functional as F
given = np.load(sys.argv[1])
made = {}
for name in given.files:
    picture = PIL.Image.fromarray(given[name])
    for short, crop in ((256, 224), (57, 50), (232, 224)):
        seen = F.center_crop(F.resize(picture, [short]), [crop])
        made[f"{name}.{short}.{crop}"] = np.asarray(seen)
np.savez(sys.argv[2], **made)
"""


def test_torchvision_itself_shows_the_same(tmp_path):
    if not (PEERS / "torchvision").is_dir():
        pytest.skip("torchvision is not installed: make peers")
    pictures = {f"{rows}x{columns}": steep(rows, columns) for rows, columns in SIZES}
    np.savez(tmp_path / "given.npz", **pictures)
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), str(root / "src"), str(PEERS)])
    subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "given.npz", tmp_path / "made.npz"],
        check=True, capture_output=True, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    with np.load(tmp_path / "made.npz") as made:
        assert len(made.files) == 3 * len(SIZES)
        for name in made.files:
            which, short, crop = name.rsplit(".", 2)
            size = (int(crop), int(crop))
            prepare = Preprocess("raw", input_size=size, fit="crop", ratio=int(crop) / int(short))
            np.testing.assert_array_equal(pixels(prepare, pictures[which])[0], made[name], name)


@pytest.mark.parametrize("mode", ["center", "squash"])
def test_timm_resizes_each_side_and_keeps_the_centre(mode):
    """As its evaluation transform is written: floor(size / crop_pct), then torchvision's own."""
    config = {
        "mean": (0.0,) * 3, "std": (1 / 255,) * 3, "crop_pct": 0.9, "crop_mode": mode,
        "interpolation": "bilinear",
    }  # fmt: skip
    prepare = Preprocess.from_dict(of_timm(config) | {"input_size": [50, 50]})
    for size in SIZES:
        image = steep(*size)
        got = prepare(image)[0].transpose(1, 2, 0)
        if mode == "center":
            wanted = slowly_cropped(image, 55, 50, halves=round)
        else:
            whole = PIL.Image.fromarray(image).resize((55, 55), PIL.Image.Resampling.BILINEAR)
            wanted = np.asarray(whole.crop((2, 2, 52, 52)))  # half of 5, to the even number
        np.testing.assert_allclose(got, wanted, atol=1e-3)


@pytest.mark.parametrize("size", [(480, 641), (97, 61), (48, 64)])
def test_keras_loads_a_picture_as_stretch_does(size, tmp_path):
    keras = pytest.importorskip("keras")
    PIL.Image.fromarray(steep(*size)).save(tmp_path / "p.png")
    theirs = keras.utils.load_img(
        tmp_path / "p.png", target_size=(48, 64), interpolation="bilinear"
    )
    got, geometry = pixels(Preprocess("raw", input_size=(48, 64)), steep(*size))
    np.testing.assert_array_equal(got, keras.utils.img_to_array(theirs))
    assert geometry.share == 1
