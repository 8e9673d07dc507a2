"""Pictures of more than 8 bits, of which a container says less than what is in it."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.core.errors import BadArray, BadOption
from xai_heatmap.sources.image import read

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
