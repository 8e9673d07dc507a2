"""Anything that is one picture, read into one kind of array."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np
import PIL.Image

from xai_heatmap.core.arrays import Deep, Image
from xai_heatmap.core.errors import (
    BadArray,
    BadOption,
    ImageNotFound,
    ImageTooLarge,
    InputError,
    NotAnImage,
    XaiHeatmapError,
)
from xai_heatmap.sources import tiff
from xai_heatmap.sources.files import a_folder, opened
from xai_heatmap.sources.limits import LIMIT, TRUSTED
from xai_heatmap.sources.pillow import identified, whole_files_only
from xai_heatmap.sources.pixels import eight_bits, gray, of_array, over_white, remark, unrounded

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_270,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_90,
}
"""Transposition that turns a picture upright, by the EXIF orientation of that picture."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """One picture and where it came from.

    Parameters
    ----------
    image
        As it is looked at: upright, RGB.
    name
        The file's name; ``"image"`` for what was in memory.
    path
        None for what was in memory.
    remark
        What should be said of it; empty where there is nothing.
    values
        Of a picture of more than 8 bits, whose lower ones `image` has lost; else None.
    pillow
        Pixels of `image` as Pillow decoded them; None where Pillow had none such.
    """

    image: Image
    name: str
    path: Path | None = None
    remark: str = ""
    values: Deep | None = None
    pillow: PIL.Image.Image | None = None


Filed = str | os.PathLike[str] | bytes | PIL.Image.Image
Given = Filed | np.ndarray


def read(
    image: Given | Photograph, *, limit: int = LIMIT, white: int | float | None = None,
    called: str | None = None,
) -> Photograph:  # fmt: skip
    """Read one picture, as RGB in 8 bits, and beside it as it is where it has more.

    A photograph is turned upright as its EXIF says. Transparency is composited over white. Grey
    becomes three equal channels. Of 16 bits the whole range counts, not the picture's own maximum;
    one that hardly uses it gets a remark. Of an animation the first picture is taken. Arrays are
    copied.

    Parameters
    ----------
    image
        A path; the bytes of an image file; a Pillow image; or an array: uint8 or uint16 of the
        whole range, or floats in [0, 1]; (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA. What
        was read already is given back.
    limit, called
        Pixels; what declares more is refused before it is decoded. What bytes are called in that.
    white
        Which value is white, such as 4095 of 12 bits in 16.
    """
    if isinstance(image, Photograph):
        return image
    if isinstance(image, np.ndarray):
        given = np.asarray(image)
        pixels, said = of_array(given, white=white)
        return Photograph(pixels, "image", remark=said, values=unrounded(given, white=white))
    with decoded(image, limit=limit, called=called) as picture:
        with broken_is_said(picture.what):
            pixels, said = _rgb(picture.pixels, white=white, colours_cut=picture.cut)
            values = _unrounded(picture.pixels, white)
        same = picture.pixels if white is None and _is_rgb(picture.pixels) else None
    return Photograph(pixels, picture.name, picture.path, said, values, same)


@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture as Pillow has it: all of it read, and upright.

    Parameters
    ----------
    pixels
        Of Pillow.
    what, name, path
        How it is called in a message and in a file, and where it lies.
    cut
        Whether colours had 16 bits, of which Pillow keeps the upper eight.
    """

    pixels: PIL.Image.Image
    what: str
    name: str
    path: Path | None
    cut: bool


@contextlib.contextmanager
def decoded(image: Filed, *, limit: int = LIMIT, called: str | None = None) -> Iterator[Decoded]:
    """A picture from its file, its bytes or Pillow; `called` is what bytes are called in a message.

    Raises
    ------
    InputError
        Of one kind or another, whatever the decoder raised.
    """
    with contextlib.ExitStack() as stack:
        path = None
        if isinstance(image, PIL.Image.Image):
            picture, what, name = image, "the Pillow image", "image"
        elif isinstance(image, bytes):
            what, name = f"{len(image)} bytes" if called is None else repr(called), "image"
            picture = stack.enter_context(_opened(BytesIO(image), what))
        elif isinstance(image, str | os.PathLike):
            path = Path(image)
            what, name = repr(str(path)), path.name
            file = stack.enter_context(_file(path))
            picture = stack.enter_context(_opened(file, what))
        else:
            raise InputError(
                "An image is a path, the bytes of a file, a Pillow image or a numpy array; "
                f"received {type(image).__module__}.{type(image).__name__}. A tensor becomes an "
                "array by `tensor.permute(1, 2, 0).cpu().numpy()`."
            )
        cut = any("16" in str(tile[3]) for tile in getattr(picture, "tile", ()))
        upright = _upright(picture, what, limit=limit)
        yield Decoded(upright, what, name, path, cut and upright.mode in ("RGB", "RGBA", "LA"))


def _file(path: Path) -> BufferedReader:
    if str(path).startswith(("http:/", "https:/")):
        raise ImageNotFound(f"Images are read from disk; download {str(path)!r} first.")
    try:
        return opened(path)
    except FileNotFoundError:
        raise ImageNotFound(_missing(path)) from None
    except IsADirectoryError:
        raise NotAnImage(a_folder(path)) from None
    except (OSError, ValueError) as error:
        raise NotAnImage(
            f"{str(path)!r} can't be read: {error}. Check the path and its permissions."
        ) from error


def _missing(path: Path) -> str:
    near = next((parent for parent in path.absolute().parents if parent.is_dir()), path)
    return (
        f"There is no image {str(path)!r}: the folder {str(near)!r} exists, what follows in the "
        "path does not. Check the spelling."
    )


def _opened(file: BufferedReader | BytesIO, what: str) -> PIL.Image.Image:
    try:
        start = file.read(16)
        file.seek(0)
        if not start:
            raise NotAnImage(f"{what} is empty (0 bytes). Copy or download it again.")
        return identified(file)
    except XaiHeatmapError:
        raise
    except Exception:  # noqa: BLE001 - what decodes a stranger's file may raise anything
        if tiff.begins(start):
            raise NotAnImage(tiff.refusal(what)) from None
        raise NotAnImage(
            f"{what} is not an image that can be read (it starts with {start!r}). "
            "PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, AVIF and JPEG 2000 can."
        ) from None


@contextlib.contextmanager
def broken_is_said(what: str) -> Iterator[None]:
    """Context in which whatever a decoder raises is said of the picture."""
    try:
        yield
    except XaiHeatmapError:
        raise
    except Exception as error:
        raise NotAnImage(
            f"{what} begins as an image but can't be read to its end ({error}). "
            "It is truncated or broken: copy or download it again."
        ) from error


def _upright(picture: PIL.Image.Image, what: str, *, limit: int) -> PIL.Image.Image:
    """The picture decoded and turned upright."""
    width, height = picture.size
    if width * height > limit:
        raise ImageTooLarge(
            f"{what} says that it is {width} x {height} pixels; the limit is {limit:,}. It was not "
            f"decoded. {TRUSTED}"
        )
    if not width * height:
        raise NotAnImage(f"{what} has no pixels: it is {width} x {height}.")
    with broken_is_said(what):
        with whole_files_only():
            picture.load()
        turn = _UPRIGHT.get(_orientation(picture))
        return picture if turn is None else picture.transpose(turn)


def _orientation(picture: PIL.Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken metadata is no reason to refuse a good picture
        return 1


def _rgb(
    picture: PIL.Image.Image, *, white: int | float | None, colours_cut: bool
) -> tuple[Image, str]:
    """Picture as a person looks at it in RGB, and what should be said of it."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        return _from_numbers(picture, white)
    if white is not None and colours_cut:
        raise BadOption(
            f"white={white:g} needs all 16 bits, and of a file in colour the upper eight are read. "
            "Read the file yourself and hand its array, uint16 (H, W, 3)."
        )
    pixels = _eight(picture)
    if white is not None:
        return of_array(pixels, white=white)
    return pixels, remark(pixels, white=None, levels=255 if colours_cut else 0)


def _eight(picture: PIL.Image.Image) -> Image:
    """Pixels in 8 bits, on white."""
    if picture.has_transparency_data:
        return over_white(np.asarray(picture.convert("RGBA")))
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _is_rgb(picture: PIL.Image.Image) -> bool:
    """Whether Pillow holds the picture as it is looked at."""
    return picture.mode == "RGB" and not picture.has_transparency_data


def _from_numbers(picture: PIL.Image.Image, white: int | float | None) -> tuple[Image, str]:
    """Grey pictures of more than 8 bits; Pillow's own conversion cuts them off at 255."""
    values = np.asarray(picture)
    if picture.mode == "F":
        return of_array(values, white=white)
    if values.min() < 0 or (values.max() > 65535 and white is None):
        raise BadArray(
            "A grey image of whole numbers runs from 0 to 65535; received "
            f"{values.min()} to {values.max()}. Scale it to [0, 1] and pass it as a float array."
        )
    levels = eight_bits(values, white)
    clear = picture.info.get("transparency")
    if isinstance(clear, int):
        levels = np.where(values == clear, np.uint8(255), levels)
    return gray(levels), remark(values, white=white)


def _unrounded(picture: PIL.Image.Image, white: int | float | None) -> Deep | None:
    """Values of a picture that `_rgb` has read, where 8 bits would round them."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        values = np.asarray(picture)
        found = unrounded(values, white=white)
        clear = None if picture.mode == "F" else picture.info.get("transparency")
        if found is not None and isinstance(clear, int):
            found[values == clear] = 255
        return found
    if white is None:
        return None
    return unrounded(_eight(picture), white=white)
