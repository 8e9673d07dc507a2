"""Pictures of more than 8 bits, of which a container says less than what is in it."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

import xai_heatmap as xh
from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.explaining.inputs import prepare
from xai_heatmap.sources.image import read
from xai_heatmap.sources.preprocess import Preprocess

TWELVE = (np.arange(64, dtype=np.uint16) * 65).reshape(8, 8)
"""0 to 4095."""


def encoded(values, kind="png"):
    file = io.BytesIO()
    PIL.Image.fromarray(values).save(file, kind)
    return file.getvalue()


def deep_colours(values):
    """A PNG of 16 bits in colour, which Pillow reads but does not write."""
    rows, columns = values.shape[:2]

    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", columns, rows, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    "given",
    [
        TWELVE, TWELVE.astype(">u2"), np.stack([TWELVE] * 3, -1), encoded(TWELVE),
        encoded(TWELVE, "tiff"), PIL.Image.fromarray(TWELVE),
    ],
    ids=["array", "big-endian", "colours", "png", "tiff", "pillow"],
)  # fmt: skip
def test_twelve_bits_in_sixteen_get_a_remark_and_white_scales_them(given):
    frame = read(given)
    assert frame.image.max() == 16
    for word in ("6.2 %", "4095", "white=4095", "--white 4095"):
        assert word in frame.remark
    scaled = read(given, white=4095)
    np.testing.assert_array_equal(scaled.image[..., 0], np.rint(TWELVE / 4095 * 255))
    assert scaled.remark == ""
    assert read(given, white=65535).remark == ""


@pytest.mark.parametrize(("highest", "told"), [(8191, True), (8192, False), (65535, False)])
def test_an_eighth_of_the_range_is_enough(highest, told):
    assert bool(read(np.full((2, 2), highest, np.uint16)).remark) == told


def test_black_and_eight_bits_get_none():
    assert read(np.zeros((2, 2), np.uint16)).remark == ""
    assert read(np.full((2, 2), 3, np.uint8)).remark == ""
    assert read(encoded(np.full((2, 2), 3, np.uint8))).remark == ""


def test_deep_colours_of_a_file_get_a_remark_and_are_not_scaled_from_what_is_left():
    values = np.stack([TWELVE, TWELVE // 2, TWELVE // 4], -1)
    assert "white=" in read(deep_colours(values)).remark
    assert read(deep_colours(values * 16)).remark == ""
    with pytest.raises(BadOption, match="upper eight"):
        read(deep_colours(values), white=4095)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.uint16, np.float32, ">f8"])
def test_white_scales_numbers_of_any_type_and_what_is_beyond_it_is_white(dtype):
    values = np.array([[0, 50, 100, 120]], dtype)
    assert read(values, white=100).image[0, :, 0].tolist() == [0, 128, 255, 255]


def test_transparency_is_not_scaled():
    values = np.zeros((1, 2, 4), np.uint16)
    values[..., :3], values[0, 0, 3] = 4095, 65535
    assert read(values, white=4095).image[0].tolist() == [[255] * 3, [255] * 3]
    values[..., :3] = 0
    assert read(values, white=4095).image[0].tolist() == [[0] * 3, [255] * 3]


@pytest.mark.parametrize("white", [0, -1, float("nan"), float("inf")])
def test_a_white_that_is_none_is_refused(white):
    with pytest.raises(BadOption, match="white is the value"):
        read(TWELVE, white=white)


def test_a_scan_with_negative_values_is_told_of_its_window():
    with pytest.raises(BadArray, match=r"np\.clip\(\(scan - low\)"):
        read(np.array([[-1000, 300]], np.int16), white=400)


def test_a_clear_grey_of_sixteen_bits_is_over_white():
    file = io.BytesIO()
    values = np.array([[0, 30000, 65535]], np.uint16)
    PIL.Image.fromarray(values).save(file, "png", transparency=30000)
    assert read(file.getvalue()).image[0, :, 0].tolist() in ([0, 255, 255], [0, 117, 255])


FULL = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16) // 7 * 7
"""Values between whole levels of 8 bits."""


@pytest.mark.parametrize(
    ("given", "white", "wanted"),
    [
        (FULL, None, FULL / 65535),
        (FULL.astype(">u2"), None, FULL / 65535),
        (encoded(FULL), None, FULL / 65535),
        (encoded(FULL, "tiff"), None, FULL / 65535),
        (PIL.Image.fromarray(FULL), None, FULL / 65535),
        (TWELVE, 4095, TWELVE / 4095),
        (encoded(TWELVE), 4095, TWELVE / 4095),
        (TWELVE / 4095, None, TWELVE / 4095),
        (np.stack([TWELVE] * 3, -1), 4095, TWELVE / 4095),
        (TWELVE, 2000, np.minimum(TWELVE / 2000, 1)),
        ((TWELVE // 16).astype(np.uint8), 200, np.minimum(TWELVE // 16 / 200, 1)),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_network_gets_every_bit_of_a_picture(given, white, wanted, channels):
    frame = read(given, white=white)
    own = Preprocess("unit", input_size=wanted.shape, channels=channels)
    x, _ = own(frame.values)
    assert x.shape == (channels, *wanted.shape)
    np.testing.assert_allclose(x, np.stack([wanted] * channels), atol=2e-7)


@pytest.mark.parametrize(
    "given",
    [
        (TWELVE // 16).astype(np.uint8),
        (TWELVE // 16) / 255,
        (TWELVE // 16 * 257).astype(np.uint16),
        np.zeros((4, 4, 4), np.uint16),
    ],
)
def test_a_picture_that_eight_bits_hold_is_prepared_in_eight(given):
    assert read(given).values is None


def test_colours_of_more_bits_become_grey_by_luma():
    colours = np.random.default_rng(0).random((8, 8, 3))
    x, _ = Preprocess("unit", input_size=(8, 8), channels=1)(read(colours).values)
    np.testing.assert_allclose(x[0], colours @ [0.299, 0.587, 0.114], atol=1e-6)


@pytest.mark.parametrize("fit", ["crop", "stretch", "letterbox", "squash"])
@pytest.mark.parametrize("channels", [1, 3])
def test_more_bits_change_no_place(fit, channels):
    """A picture of 8 bits and the same in 16, off by less than a level, land on one input."""
    levels = np.random.default_rng(1).integers(0, 255, (30, 41)).astype(np.float64)
    own = Preprocess("unit", input_size=(16, 24), channels=channels, fit=fit, mean=(0.5,))
    (coarse, first), (fine, second) = (
        own(read(levels.astype(np.uint8)).image), own(read((levels + 0.25) / 255).values)
    )  # fmt: skip
    assert first == second
    assert np.abs(fine - coarse).max() < 1.5 / 255
    assert len(np.unique(fine)) > len(np.unique(coarse))


def test_transparency_lies_over_white():
    clear = np.full((2, 2, 4), [20000, 20000, 20000, 30000], np.uint16)
    share = 30000 / 65535
    wanted = 255 * (20000 / 65535 * share + 1 - share)
    np.testing.assert_allclose(read(clear).values, np.full((2, 2, 3), wanted), rtol=1e-6)


def test_what_is_explained_has_every_bit():
    low = np.where(np.arange(16) < 8, 0.5, 0.501)[None].repeat(16, 0)
    network = xh.network(lambda x: x[:, 0, 0, :2], image_shape=(1, 16, 16))
    x = prepare(low, "unit", network).x
    assert x[0, 0, 15] - x[0, 0, 0] == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("encode", [lambda values: values, encoded])
def test_a_mask_of_ones_is_remarked_on(encode, channels):
    mask = np.zeros((8, 8, *channels), np.uint8)
    mask[2:5] = 1
    assert "its highest value is 1, so the network saw it nearly black" in read(encode(mask)).remark
    assert not read(encode(mask * 255)).remark
    assert not read(encode(mask * 0)).remark
    white = read(encode(mask), white=1)
    assert not white.remark
    assert white.image.max() == 255
