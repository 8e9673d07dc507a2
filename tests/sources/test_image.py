import struct
import threading
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFile
import pytest

from xai_heatmap.core.errors import BadArray, ImageNotFound, ImageTooLarge, InputError, NotAnImage
from xai_heatmap.sources.image import read


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def saved(folder, picture, name="picture.png", **options):
    path = folder / name
    picture.save(path, **options)
    return path


def encoded(picture, kind, **options):
    file = BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def png(width, height):
    """The head of a PNG that declares a size, and no pixels."""

    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


class TestFiles:
    def test_a_path_gives_pixels_name_and_path(self, tmp_path):
        image = noise(5, 7, 3)
        path = saved(tmp_path, PIL.Image.fromarray(image), "dog.png")
        for given in (path, str(path)):
            frame = read(given)
            np.testing.assert_array_equal(frame.image, image)
            assert frame.name == "dog.png"
            assert frame.path == path

    def test_bytes_of_a_file(self):
        image = noise(5, 7, 3)
        frame = read(encoded(PIL.Image.fromarray(image), "png"))
        np.testing.assert_array_equal(frame.image, image)
        assert frame.path is None

    def test_pixels_are_writable_and_contiguous(self, tmp_path):
        for mode in ("RGB", "L", "RGBA", "P", "1", "CMYK"):
            image = read(PIL.Image.fromarray(noise(4, 6, 3)).convert(mode)).image
            assert image.flags.writeable
            assert image.flags.c_contiguous
            assert image.dtype == np.uint8
            assert image.shape == (4, 6, 3)

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tiff"])
    def test_photographs_are_turned_upright(self, tmp_path, orientation, kind):
        """Eight files that a viewer shows alike: a dark picture, light at the top left."""
        upright = np.full((16, 32, 3), 20, np.uint8)
        upright[:8, :8] = 230
        undo = {
            1: lambda a: a,
            2: lambda a: a[:, ::-1],
            3: lambda a: a[::-1, ::-1],
            4: lambda a: a[::-1],
            5: lambda a: a.transpose(1, 0, 2),
            6: lambda a: np.rot90(a, 1),
            7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
            8: lambda a: np.rot90(a, -1),
        }
        stored = PIL.Image.fromarray(np.ascontiguousarray(undo[orientation](upright)))
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        image = read(saved(tmp_path, stored, f"a.{kind}", exif=exif)).image
        assert image.shape == upright.shape
        assert np.abs(image.astype(int) - upright).mean() < 10

    def test_sixteen_bit_grey_uses_its_whole_range(self, tmp_path):
        values = np.uint16([[0, 257, 32768, 65535]])
        image = read(saved(tmp_path, PIL.Image.fromarray(values))).image
        assert image[0].tolist() == [[0] * 3, [1] * 3, [128] * 3, [255] * 3]

    def test_a_dark_sixteen_bit_picture_stays_dark(self, tmp_path):
        values = np.full((3, 3), 200, np.uint16)
        assert read(saved(tmp_path, PIL.Image.fromarray(values))).image.max() == 1

    def test_grey_and_one_bit(self, tmp_path):
        grey = PIL.Image.fromarray(np.uint8([[0, 100, 255]]))
        assert read(saved(tmp_path, grey)).image[0].tolist() == [[0] * 3, [100] * 3, [255] * 3]
        bits = grey.point([0] * 128 + [255] * 128).convert("1")
        assert read(saved(tmp_path, bits)).image[0, :, 0].tolist() == [0, 0, 255]

    def test_transparency_is_over_white(self, tmp_path):
        rgba = np.uint8([[[200, 0, 0, 255], [200, 0, 0, 0], [200, 0, 0, 51]]])
        wanted = [[200, 0, 0], [255, 255, 255], [244, 204, 204]]
        assert read(saved(tmp_path, PIL.Image.fromarray(rgba))).image[0].tolist() == wanted
        premultiplied = PIL.Image.fromarray(rgba).convert("RGBa")
        assert np.abs(read(premultiplied).image[0] - np.array(wanted)).max() <= 3
        assert read(rgba).image[0].tolist() == wanted

    def test_grey_with_alpha_and_palette_with_a_clear_colour(self, tmp_path):
        la = PIL.Image.fromarray(np.uint8([[[10, 0], [10, 255]]]))
        assert read(saved(tmp_path, la)).image[0].tolist() == [[255] * 3, [10] * 3]
        palette = PIL.Image.fromarray(np.uint8([[0, 1]]))
        palette.putpalette([255, 0, 0, 0, 0, 255])
        path = saved(tmp_path, palette, "clear.png", transparency=0)
        assert read(path).image[0].tolist() == [[255, 255, 255], [0, 0, 255]]
        assert read(saved(tmp_path, palette)).image[0].tolist() == [[255, 0, 0], [0, 0, 255]]

    def test_cmyk(self, tmp_path):
        picture = PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0))
        red = read(saved(tmp_path, picture, "a.jpg")).image[4, 4].astype(int)
        assert red[0] > 200
        assert red[1:].max() < 60

    def test_of_an_animation_the_first_picture(self, tmp_path):
        frames = [PIL.Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
        path = tmp_path / "a.gif"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert read(path).image[0, 0].tolist() == [255, 0, 0]

    def test_float_pictures(self):
        values = np.float32([[0, 0.5, 1]])
        assert read(PIL.Image.fromarray(values)).image[0, :, 0].tolist() == [0, 128, 255]

    @pytest.mark.reference
    def test_photographs(self, reference):
        for path in sorted((reference / "images").iterdir()):
            frame = read(path)
            with PIL.Image.open(path) as picture:
                assert frame.image.shape[:2] in (picture.size, picture.size[::-1])
            assert frame.name == path.name


class TestBadFiles:
    def test_a_missing_file_says_how_far_the_path_exists(self, tmp_path):
        with pytest.raises(ImageNotFound, match=r"no image.*exists"):
            read(tmp_path / "nowhere" / "dog.jpg")

    def test_a_folder(self, tmp_path):
        with pytest.raises(NotAnImage, match=r"is a folder.*\*\.jpg;.*batch .* --model"):
            read(tmp_path)
        for name in ("a.PNG", "b.PNG", "c.jpg", "d.txt"):
            (tmp_path / name).touch()
        with pytest.raises(NotAnImage, match=r"\*\.PNG;"):
            read(tmp_path)

    def test_an_empty_file(self, tmp_path):
        path = tmp_path / "a.jpg"
        path.touch()
        with pytest.raises(NotAnImage, match="0 bytes"):
            read(path)
        with pytest.raises(NotAnImage, match="0 bytes"):
            read(b"")

    def test_text_named_jpg_shows_its_beginning(self, tmp_path):
        path = tmp_path / "a.jpg"
        path.write_text("not a jpeg")
        with pytest.raises(NotAnImage, match=r"a\.jpg.*starts with b'not a jpeg'"):
            read(path)

    def test_an_address_of_the_web(self):
        with pytest.raises(ImageNotFound, match="download"):
            read("https://example.org/dog.jpg")

    def test_a_path_with_a_zero_byte(self):
        with pytest.raises(NotAnImage, match="can't be read"):
            read("a\0b.jpg")

    @pytest.mark.parametrize("options", [{}, {"progressive": True}])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
    def test_half_a_jpeg_is_an_error(self, tmp_path, options, share):
        whole = encoded(PIL.Image.fromarray(noise(64, 64, 3)), "jpeg", **options)
        path = tmp_path / "half.jpg"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(NotAnImage, match=r"half\.jpg.*truncated"):
            read(path)

    @pytest.mark.parametrize("kind", ["png", "webp", "tiff", "bmp", "gif"])
    def test_half_a_file_is_an_error(self, kind):
        whole = encoded(PIL.Image.fromarray(noise(64, 64, 3)), kind)
        with pytest.raises(NotAnImage):
            read(whole[: len(whole) // 2])

    def test_half_a_jpeg_is_an_error_even_where_another_library_allowed_it(self, monkeypatch):
        monkeypatch.setattr(PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        whole = encoded(PIL.Image.fromarray(noise(64, 64, 3)), "jpeg")
        read(whole)
        with pytest.raises(NotAnImage, match="truncated"):
            read(whole[: len(whole) // 2])
        assert PIL.ImageFile.LOAD_TRUNCATED_IMAGES is True

    def test_a_broken_png(self):
        whole = bytearray(encoded(PIL.Image.fromarray(noise(64, 64, 3)), "png"))
        whole[200:400] = bytes(200)
        with pytest.raises(NotAnImage, match="broken"):
            read(bytes(whole))

    def test_broken_metadata_is_no_reason_to_refuse(self):
        whole = encoded(PIL.Image.fromarray(noise(8, 8, 3)), "jpeg", exif=b"Exif\0\0broken")
        assert read(whole).image.shape == (8, 8, 3)

    def test_a_decompression_bomb_is_refused_by_what_it_declares(self):
        with pytest.raises(ImageTooLarge, match="100000 x 100000 pixels; the limit is 200,000,000"):
            read(png(100_000, 100_000))

    def test_the_limit_is_obeyed_both_ways(self, tmp_path, monkeypatch):
        path = saved(tmp_path, PIL.Image.fromarray(noise(20, 20, 3)))
        with pytest.raises(ImageTooLarge, match="the limit is 399"):
            read(path, limit=399)
        with pytest.raises(ImageTooLarge, match=r"^'x\.png' .* --max-pixels"):
            read(path.read_bytes(), limit=399, called="x.png")
        with PIL.Image.open(path) as picture, pytest.raises(ImageTooLarge):
            read(picture, limit=399)
        monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
        assert read(path, limit=400).image.shape == (20, 20, 3)
        assert PIL.Image.MAX_IMAGE_PIXELS == 100

    def test_threads_read_side_by_side_and_pillow_is_as_before(self):
        before = PIL.Image.MAX_IMAGE_PIXELS
        whole = encoded(PIL.Image.fromarray(noise(32, 32, 3)), "jpeg")
        shapes = []
        threads = [
            threading.Thread(target=lambda: shapes.append(read(whole).image.shape))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert shapes == [(32, 32, 3)] * 8
        assert before == PIL.Image.MAX_IMAGE_PIXELS


class TestArrays:
    def test_rgb_is_copied(self):
        image = noise(4, 5, 3)
        frame = read(image)
        np.testing.assert_array_equal(frame.image, image)
        frame.image[...] = 0
        assert image.any()
        assert frame.name == "image"

    def test_grey(self):
        image = noise(4, 5)
        for given in (image, image[..., None]):
            np.testing.assert_array_equal(read(given).image, np.stack([image] * 3, axis=-1))

    def test_views_of_any_order(self):
        image = noise(8, 10, 3)
        np.testing.assert_array_equal(read(image[::-2, ::3, ::-1]).image, image[::-2, ::3, ::-1])

    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", np.longdouble])
    def test_floats_in_0_to_1(self, dtype):
        image = noise(6, 5, 3)
        np.testing.assert_array_equal(read((image / 255).astype(dtype)).image, image)

    def test_floats_a_rounding_beyond_1(self):
        assert read(np.float32([[-0.001, 1.001]])).image[0, :, 0].tolist() == [0, 255]

    def test_uint16_uses_its_whole_range(self):
        image = read(np.uint16([[0, 32768, 65535]])).image
        assert image[0, :, 0].tolist() == [0, 128, 255]

    @pytest.mark.parametrize(
        ("shape", "advice"),
        [
            ((3, 20, 30), r"\(3, 20, 30\).*moveaxis"),
            ((1, 20, 30), "moveaxis"),
            ((2, 20, 30, 3), "batch"),
            ((20, 30, 2), "received"),
            ((20,), "received"),
            ((), "received"),
            ((0, 5, 3), "empty"),
            ((5, 0), "empty"),
        ],
    )
    def test_a_shape_that_is_no_image(self, shape, advice):
        with pytest.raises(BadArray, match=advice):
            read(np.zeros(shape, np.uint8))

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.full((2, 2), 200.0), r"0 to 255.*astype"),
            (np.float32([[0, 254.0]]), r"received 0 to 254"),
            (np.float32([[-2.1, 2.6]]), "normalised already"),
            (np.float32([[-3e5, 2.6]]), "Scale it"),
            (np.float32([[0, np.nan]]), "1 value that is NaN"),
            (np.float32([[0, np.inf]]), "infinite"),
            (np.zeros((2, 2), np.int64), "int64.*astype"),
            (np.zeros((2, 2), bool), r"mask.*\* 255"),
            (np.zeros((2, 2), complex), "complex128"),
            (np.zeros((2, 2), object), "object"),
            (np.full((2, 2), "a"), "received <U1"),
            (np.full((2, 2), 255, np.uint16), "whole range"),
        ],
    )
    def test_values_that_are_no_image(self, array, message):
        with pytest.raises(BadArray, match=message):
            read(array)

    @pytest.mark.usefixtures("unchecked")
    def test_anything_else_is_named(self):
        class Tensor:
            """Stands for another library's array."""

        with pytest.raises(InputError, match=r"received .*Tensor.*permute"):
            read(Tensor())

    def test_the_path_type_of_another_library(self, tmp_path):
        class Odd:
            def __init__(self, path):
                self.path = path

            def __fspath__(self):
                return str(self.path)

        path = saved(tmp_path, PIL.Image.fromarray(noise(3, 3, 3)), "a.png")
        assert read(Odd(path)).path == Path(path)
