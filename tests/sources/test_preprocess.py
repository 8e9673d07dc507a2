import json

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import BadOption, UnknownPreprocess
from xai_heatmap.core.resampling import RESAMPLINGS, columns_first, resampled
from xai_heatmap.sources.image import read
from xai_heatmap.sources.preprocess import FITS, PRESETS, Preprocess

COLOR = (10, 100, 200)


def plain(color=COLOR, size=(8, 8)):
    return np.broadcast_to(np.uint8(color), (*size, 3)).copy()


def noise(*size, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def values(preprocess, color=COLOR):
    """What becomes of one colour."""
    x, _ = preprocess(plain(color))
    assert np.ptp(x, axis=(1, 2)).max() == 0
    return x[:, 0, 0]


def test_all_that_is_open_is_said_by_the_network_or_by_default():
    mine = Preprocess(mode="unit")
    assert (mine.input_size, mine.channels, mine.fit, mine.ratio) == (None,) * 4
    of_network = mine.filled(input_size=(32, 48), channels=1, fit="letterbox")
    assert of_network == Preprocess(
        mode="unit", input_size=(32, 48), channels=1, fit="letterbox", ratio=1.0
    )
    assert mine.filled() == Preprocess(
        mode="unit", input_size=(224, 224), channels=3, fit="stretch", ratio=1.0
    )
    said = Preprocess(mode="unit", input_size=(8, 8), channels=3, fit="crop", ratio=0.5)
    assert said.filled(input_size=(9, 9), channels=1, fit="stretch") == said
    assert Preprocess(ratio=0.5, mode="raw").filled(fit="stretch").fit == "crop"


@pytest.mark.parametrize("mode", PRESETS)
def test_a_picture_of_the_inputs_size_goes_in_as_it_is(mode):
    image = noise(24, 32)
    x, geometry = Preprocess(mode=mode, input_size=(24, 32))(image)
    wanted, _ = Preprocess(mode=mode, input_size=(24, 32), fit="stretch")(image)
    np.testing.assert_array_equal(x, wanted)
    assert geometry.box == (0.0, 0.0, 32.0, 24.0)
    for said in ({"fit": "crop"}, {"ratio": 0.5}):
        x, geometry = Preprocess(mode=mode, input_size=(24, 32), **said)(image)
        assert geometry.share < 1
        assert not np.array_equal(x, wanted)


@pytest.mark.parametrize("mode", PRESETS)
def test_imagenet_alone_is_evaluated_on_the_middle(mode):
    geometry = Preprocess(mode=mode, input_size=(24, 24)).geometry((60, 90))
    seen = (18, 4, 72, 58) if mode in ("imagenet", "torch") else (0, 0, 90, 60)
    assert geometry.seen == seen


def test_presets_are_the_published_numbers():
    red, green, blue = COLOR
    imagenet = [
        (red / 255 - 0.485) / 0.229,
        (green / 255 - 0.456) / 0.224,
        (blue / 255 - 0.406) / 0.225,
    ]
    expected = {
        "imagenet": imagenet,
        "torch": imagenet,
        "tf": [c / 127.5 - 1 for c in COLOR],
        "caffe": [blue - 103.939, green - 116.779, red - 123.68],
        "unit": [c / 255 for c in COLOR],
        "raw": list(COLOR),
    }
    assert set(expected) == set(PRESETS)
    for mode, wanted in expected.items():
        np.testing.assert_allclose(
            values(Preprocess(mode=mode)), wanted, rtol=1e-5, atol=1e-6, err_msg=mode
        )


def test_mean_and_std_replace_the_presets():
    half = Preprocess(mode="unit", mean=(0.5,), std=(0.25,))
    np.testing.assert_allclose(values(half), (np.array(COLOR) / 255 - 0.5) / 0.25, rtol=1e-5)
    each = Preprocess(mode="raw", mean=(1.0, 2.0, 3.0), std=(1.0, 2.0, 4.0))
    np.testing.assert_allclose(values(each), [9, 49, 49.25])


def test_input_size_is_rows_then_columns():
    x, geometry = Preprocess(input_size=(32, 48))(noise(60, 60))
    assert x.shape == (3, 32, 48)
    assert x.dtype == np.float32
    assert geometry.input_size == (32, 48)
    assert geometry.image_size == (60, 60)


def test_one_channel_is_luma():
    x, _ = Preprocess(mode="raw", channels=1)(plain((255, 0, 0)))
    assert x.shape == (1, 224, 224)
    assert set(np.unique(x)) == {76.0}
    x, _ = Preprocess(mode="imagenet", channels=1)(plain((0, 0, 0)))
    assert x[0, 0, 0] == pytest.approx(-(0.485 + 0.456 + 0.406) / (0.229 + 0.224 + 0.225))


def test_fit_says_what_is_seen():
    image = noise(40, 100)
    boxes = {
        fit: Preprocess(mode="raw", input_size=(20, 20), fit=fit, ratio=1.0)(image)[1].box
        for fit in ("crop", "stretch", "letterbox")
    }
    assert boxes == {
        "crop": (30.0, 0.0, 70.0, 40.0),
        "stretch": (0.0, 0.0, 100.0, 40.0),
        "letterbox": (0.0, -30.0, 100.0, 70.0),
    }


def test_ratio_is_obeyed():
    image = noise(64, 64)
    whole, _ = Preprocess(mode="raw", input_size=(32, 32), fit="crop", ratio=1.0)(image)
    middle, _ = Preprocess(mode="raw", input_size=(32, 32), ratio=0.5)(image)
    np.testing.assert_array_equal(middle.transpose(1, 2, 0), image[16:48, 16:48])
    assert not np.array_equal(whole, middle)


def test_resampling_is_obeyed():
    image = noise(64, 64)
    bilinear, _ = Preprocess(resampling="bilinear")(image)
    bicubic, _ = Preprocess(resampling="bicubic")(image)
    assert np.abs(bilinear - bicubic).max() > 0.1


@pytest.mark.parametrize("mode", ["imagenet", "caffe", "tf"])
def test_a_letterbox_is_filled_with_the_mean(mode):
    x, _ = Preprocess(mode=mode, input_size=(20, 20), fit="letterbox")(plain(size=(10, 20)))
    assert not x[:, :5].any()
    assert not x[:, 15:].any()
    assert x[:, 5:15].all()


def test_a_letterbox_without_a_mean_is_grey():
    x, _ = Preprocess(mode="unit", input_size=(20, 20), fit="letterbox")(plain(size=(20, 10)))
    np.testing.assert_allclose(x[:, :, :5], 114 / 255, rtol=1e-6)
    np.testing.assert_allclose(x[:, :, 15:], 114 / 255, rtol=1e-6)
    np.testing.assert_allclose(x[1, :, 5:15], 100 / 255, rtol=1e-6)
    x, _ = Preprocess(mode="unit", mean=(0.5,), input_size=(20, 20), fit="letterbox")(
        plain(size=(20, 10))
    )
    assert not x[:, :, :5].any()


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox"])
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3), (7, 8)])
def test_any_size_of_image_is_taken(fit, size):
    x, geometry = Preprocess(input_size=(17, 16), fit=fit)(noise(*size))
    assert x.shape == (3, 17, 16)
    assert np.isfinite(x).all()
    assert geometry.image_size == size


@pytest.mark.slow
def test_a_very_long_image_takes_little_memory_and_the_same_place():
    image = noise(2, 30000)
    x, geometry = Preprocess(mode="raw", input_size=(64, 64), fit="crop")(image)
    whole = PIL.Image.fromarray(image).resize(geometry.resized[::-1], PIL.Image.Resampling.BILINEAR)
    top, left = geometry.offset
    wanted = np.asarray(whole.crop((left, top, left + 64, top + 64)), np.float32)
    assert np.abs(x.transpose(1, 2, 0) - wanted).max() <= 2


def test_the_geometry_leads_back_to_what_was_seen():
    """A white pixel's place on the input, taken back, is the pixel's place on the image."""
    for fit in ("crop", "stretch", "letterbox"):
        image = np.zeros((90, 120, 3), np.uint8)
        image[40:44, 60:64] = 255
        x, geometry = Preprocess(mode="raw", input_size=(200, 200), fit=fit)(image)
        rows, columns = np.nonzero(x.sum(axis=0) > 400)
        place = geometry.to_image(columns.mean() + 0.5, rows.mean() + 0.5)
        assert place == pytest.approx((62, 42), abs=0.6)


def test_the_image_is_not_changed():
    image = noise(30, 30)
    before = image.copy()
    Preprocess(mode="caffe")(image)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "preprocess",
    [
        Preprocess(),
        Preprocess(
            mode="raw",
            mean=(1.0, 2.0, 3.0),
            std=(2.0,),
            input_size=(64, 32),
            channels=3,
            fit="letterbox",
            ratio=0.5,
            resampling="bicubic",
            half="down",
        ),
    ],
)
def test_plain_form_survives_json(preprocess):
    assert Preprocess.from_dict(json.loads(json.dumps(preprocess.to_dict()))) == preprocess


def test_plain_form_takes_whole_numbers_and_defaults():
    assert Preprocess.from_dict({"mode": "raw", "mean": [0, 0, 1]}) == Preprocess(
        mode="raw", mean=(0.0, 0.0, 1.0)
    )


def test_an_unknown_key_of_the_plain_form_is_named():
    with pytest.raises(BadOption, match="Did you mean 'resampling'"):
        Preprocess.from_dict({"resample": "bilinear"})


def test_an_unknown_preset_names_the_choices_and_the_nearest():
    with pytest.raises(UnknownPreprocess, match=r"imagenet.*caffe.*Did you mean 'imagenet'"):
        Preprocess(mode="imagnet")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fit": "Crop"}, "one of crop, stretch, letterbox.*Did you mean 'crop'"),
        ({"resampling": "lanczos4"}, "one of bilinear, bicubic.*Did you mean 'lanczos'"),
        ({"channels": 4}, "1 or 3 channels"),
        ({"mean": (1.0, 2.0)}, "mean is one number"),
        ({"std": (1.0, 2.0)}, "std is one number"),
        ({"std": (0.0,)}, "above 0"),
        ({"ratio": 1.5}, "crop ratio"),
        ({"input_size": (0, 5)}, "at least one pixel"),
    ],
)
def test_a_bad_option_says_what_is_needed(options, message):
    with pytest.raises(BadOption, match=message):
        Preprocess(**options)


@pytest.mark.parametrize(("size", "to"), [((500, 335), (224, 224)), ((300, 140), (100, 100))])
def test_which_way_pillow_resizes_an_upright_picture_first(size, to):
    picture, how = PIL.Image.fromarray(noise(*size)), PIL.Image.Resampling.BILINEAR
    orders = [(size[1], to[0]), (to[1], size[0])]
    columns, rows = (np.asarray(picture.resize(one, how).resize(to, how)) for one in orders)
    found = np.asarray(picture.resize(to, how))
    assert (columns != rows).any()
    np.testing.assert_array_equal(found, columns if columns_first() else rows)


@pytest.mark.parametrize("how", RESAMPLINGS)
def test_what_is_seen_of_a_picture_is_a_crop_of_all_of_it_resized_to_the_last_bit(how):
    draw = np.random.default_rng(0)
    for mode, bands in (("RGB", 3), ("L", 1), ("F", 1), ("RGBA", 4)):
        for _ in range(12):
            rows, columns = draw.integers(8, 90, 2).tolist()
            kind = np.float32 if mode == "F" else np.uint8
            pixels = draw.integers(0, 256, (rows, columns, bands)).astype(kind)
            picture = PIL.Image.fromarray(pixels.squeeze() if bands == 1 else pixels)
            own = Preprocess(input_size=(24, 20), fit=str(draw.choice(FITS)))
            geometry = own.geometry((rows, columns))
            if geometry.resized[0] * geometry.resized[1] > 16 * 24 * 20:
                continue  # too long for all of it to be resized
            (deep, wide), (top, left) = geometry.resized, geometry.offset
            found, at = resampled(picture, geometry, RESAMPLINGS[how])
            all_of_it = np.asarray(picture.resize((wide, deep), RESAMPLINGS[how]))
            seen = all_of_it[max(top, 0) : top + 24, max(left, 0) : left + 20]
            np.testing.assert_array_equal(np.asarray(found), seen)
            assert at == (max(-top, 0), max(-left, 0))


FORMS = {
    "jpeg": ("RGB", "JPEG"), "png": ("RGB", "PNG"), "grey": ("L", "PNG"), "palette": ("P", "GIF"),
    "transparent": ("RGBA", "PNG"), "tiff": ("RGB", "TIFF"), "webp": ("RGB", "WEBP"),
    "avif": ("RGB", "AVIF"), "ppm": ("RGB", "PPM"), "cmyk": ("CMYK", "JPEG"),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_goes_in_as_its_pixels_do(tmp_path, form, channels):
    mode, kind = FORMS[form]
    path = tmp_path / f"picture.{kind.lower()}"
    PIL.Image.fromarray(noise(40, 60)).convert(mode).save(path, kind)
    preprocess = Preprocess(input_size=(24, 32), channels=channels)
    frame = read(path)
    x, geometry = preprocess(frame.image, frame.pillow)
    wanted, own = preprocess(frame.image)
    np.testing.assert_array_equal(x, wanted)
    assert geometry == own
    np.testing.assert_array_equal(frame.image, _looked_at(path))


def _looked_at(path):
    with PIL.Image.open(path) as picture:
        if not picture.has_transparency_data:
            return np.array(picture.convert("RGB"))
        own = np.asarray(picture.convert("RGBA"), np.float64)
    share = own[..., 3:] / 255
    return np.rint(own[..., :3] * share + 255 * (1 - share)).astype(np.uint8)


def test_a_turned_photograph_is_handed_on_upright(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.fromarray(noise(40, 60)).save(tmp_path / "a.jpg", exif=exif)
    frame = read(tmp_path / "a.jpg")
    assert frame.image.shape == (60, 40, 3)
    np.testing.assert_array_equal(np.asarray(frame.pillow), frame.image)


def test_decoded_pixels_are_not_handed_back_to_pillow(tmp_path, monkeypatch):
    PIL.Image.fromarray(noise(40, 60)).save(tmp_path / "a.png")
    monkeypatch.setattr(PIL.Image, "fromarray", None)
    monkeypatch.setattr(PIL.Image.Image, "convert", None)
    frame = read(tmp_path / "a.png")
    x, _ = Preprocess(input_size=(24, 32))(frame.image, frame.pillow)
    assert x.shape == (3, 24, 32)
    frame.image[:] = 0  # the picture that is looked at is nobody else's
    assert np.asarray(frame.pillow).any()


def test_what_is_said_in_full_is_checked_once():
    full = Preprocess("tf").filled(input_size=(8, 8))
    assert full.filled(input_size=(9, 9), channels=1, fit="crop") is full


@pytest.mark.parametrize("numbers", [(0.5,), (0.5, 0.25, 0.125)])
def test_one_number_is_that_of_every_channel(numbers):
    found = values(Preprocess("unit", mean=numbers, std=numbers))
    each = np.float32(numbers * (3 // len(numbers)))
    np.testing.assert_array_equal(found, (np.float32(COLOR) / np.float32(255) - each) / each)


def test_a_preprocessing_of_bands_is_refused_for_a_photograph():
    with pytest.raises(BadOption, match="one for each of 3 channels"):
        Preprocess("unit", mean=(0.1, 0.2, 0.3, 0.4))(plain())
