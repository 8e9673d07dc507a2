"""Pictures as PNG files: the same pixels for every reader, whatever their shape and layout."""

import io
import tempfile
import zlib

import numpy as np
import PIL.Image
import pytest

from xai_heatmap.sinks import png
from xai_heatmap.sinks.png import said, write_png


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x % 256, y % 256, (x + y) // 2 % 256], axis=-1).astype(np.uint8)


def written(picture: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    with tempfile.TemporaryFile() as file:
        write_png(file, picture, chunks)
        file.seek(0)
        return file.read()


def read(data: bytes) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
        picture.load()  # checks every chunk's sum
        return np.array(picture)


def filters(data: bytes, width: int) -> set[int]:
    """Numbers of the filters in the file, read by hand."""
    at, packed = 8, b""
    while at < len(data):
        long = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + long]
        at += 12 + long
    return set(zlib.decompress(packed)[:: 1 + 3 * width])


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (33, 21)])
def test_pixels_come_back_of_every_size(size: tuple[int, int]):
    for picture in (noise(*size), smooth(*size), np.full((*size, 3), 255, np.uint8)):
        np.testing.assert_array_equal(read(written(picture)), picture)


def test_pixels_come_back_of_every_layout():
    whole = noise(20, 30)
    for picture in (whole[::-1], whole[:, ::-1], whole[::2, 3:17], np.asfortranarray(whole)):
        np.testing.assert_array_equal(read(written(picture)), picture)
    whole.flags.writeable = False
    np.testing.assert_array_equal(read(written(whole)), whole)


def test_pixels_come_back_where_rows_are_filtered_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch):
    picture, real, rows = smooth(23, 40), png._filtered, list[int]()
    monkeypatch.setattr(
        png, "_filtered", lambda own, *rest: (rows.append(len(own)), real(own, *rest))[1]
    )
    for at_once, parts in (1, [1] * 23), (3 * 40 * 5, [5, 5, 5, 5, 3]), (1 << 20, [23]):
        monkeypatch.setattr(png, "AT_ONCE", at_once)
        rows.clear()
        np.testing.assert_array_equal(read(written(picture)), picture)
        assert rows == parts


def test_each_row_has_the_filter_that_leaves_less():
    across, down = np.tile(noise(1, 40), (9, 1, 1)), np.tile(noise(9, 1), (1, 40, 1))
    assert filters(written(across), 40) == {png.ABOVE, png.LEFT}  # the first has none above
    assert filters(written(down), 40) == {png.LEFT}
    assert len(written(across)) < 400 > len(written(down))


def test_a_photograph_takes_hardly_more_room_than_by_all_five_filters():
    rough = PIL.Image.fromarray(noise(24, 32)).resize((256, 192), PIL.Image.Resampling.BICUBIC)
    grain = np.random.default_rng(1).normal(0, 4, (192, 256, 1))
    picture = np.clip(np.asarray(rough) + grain, 0, 255).astype(np.uint8)
    other = io.BytesIO()
    PIL.Image.fromarray(picture).save(other, "png", compress_level=1, compress_type=zlib.Z_RLE)
    assert len(written(picture)) < 1.12 * other.tell()


def test_chunks_stand_before_the_pixels():
    data = written(noise(2, 2), (b"sRGB", b"\0"), said("key", "a text"))
    with PIL.Image.open(io.BytesIO(data)) as picture:
        assert (picture.info["srgb"], picture.info["key"]) == (0, "a text")
    assert data.index(b"sRGB") < data.index(b"tEXt") < data.index(b"IDAT")
