"""Anything that is one picture, read into one kind of array."""

import contextlib
import os
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFile

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import BadArray, ImageNotFound, ImageTooLarge, InputError, NotAnImage

LIMIT = 200_000_000
"""Pixels; 600 MB of memory as RGB."""

HALF_A_LEVEL = 0.5 / 255
"""How far outside of [0, 1] a float may lie: rounding to 8 bits hides that much."""

_BROKEN = (OSError, SyntaxError, ValueError, IndexError, TypeError, EOFError, struct.error)
"""What Pillow's many decoders raise on bytes that they can't make sense of."""

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
"""What turns a picture upright, by its EXIF orientation."""

_pillow = threading.Lock()


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture and where it came from.

    Parameters
    ----------
    image
        As it is looked at: upright, RGB.
    name
        The file's name; ``"image"`` for what was in memory.
    path
        None for what was in memory.
    """

    image: Image
    name: str
    path: Path | None = None


def read(
    image: str | os.PathLike[str] | bytes | PIL.Image.Image | np.ndarray, *, limit: int = LIMIT
) -> Frame:
    """Read one picture, as RGB in 8 bits.

    A photograph is turned upright as its EXIF says. Transparency is composited over white. Grey
    becomes three equal channels. Of 16 bits the whole range counts, not the picture's own maximum.
    Of an animation the first picture is taken. Arrays are copied.

    Parameters
    ----------
    image
        A path; the bytes of an image file; a Pillow image; or an array: uint8 or uint16 of the
        whole range, or floats in [0, 1]; (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
    limit
        Pixels. What declares more is refused before it is decoded.
    """
    if isinstance(image, np.ndarray):
        return Frame(_from_array(np.asarray(image)), "image")
    if isinstance(image, PIL.Image.Image):
        return Frame(_upright(image, "the Pillow image", limit=limit), "image")
    if isinstance(image, bytes):
        return Frame(_decoded(BytesIO(image), f"{len(image)} bytes", limit=limit), "image")
    if not isinstance(image, str | os.PathLike):
        raise InputError(
            "An image is a path, the bytes of a file, a Pillow image or a numpy array; received "
            f"{type(image).__module__}.{type(image).__name__}. A tensor becomes an array by "
            "`tensor.permute(1, 2, 0).cpu().numpy()`."
        )
    return _from_path(image, limit)


def _from_path(given: str | os.PathLike[str], limit: int) -> Frame:
    path = Path(given)
    if str(given).startswith(("http://", "https://")):
        raise ImageNotFound(f"Images are read from disk; download {str(given)!r} first.")
    try:
        with path.open("rb") as file:
            return Frame(_decoded(file, repr(str(path)), limit=limit), path.name, path)
    except FileNotFoundError:
        raise ImageNotFound(_missing(path)) from None
    except IsADirectoryError:
        raise NotAnImage(
            f"An image is one file; {str(path)!r} is a folder. Name one of its files."
        ) from None
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


def _decoded(file: BufferedReader | BytesIO, what: str, *, limit: int) -> Image:
    start = file.read(16)
    file.seek(0)
    if not start:
        raise NotAnImage(f"{what} is empty (0 bytes). Copy or download it again.")
    try:
        with _without_limit():
            picture = PIL.Image.open(file)
    except _BROKEN:
        raise NotAnImage(
            f"{what} is not an image that can be read (it starts with {start!r}). "
            "PNG, JPEG, WebP, TIFF, BMP and GIF can."
        ) from None
    with picture:
        return _upright(picture, what, limit=limit)


def _upright(picture: PIL.Image.Image, what: str, *, limit: int) -> Image:
    """The picture decoded, turned upright and as RGB."""
    width, height = picture.size
    if width * height > limit:
        raise ImageTooLarge(
            f"{what} says that it is {width} x {height} pixels; the limit is {limit:,}. It was not "
            "decoded. Make it smaller, or raise limit= if you trust it."
        )
    if not width * height:
        raise NotAnImage(f"{what} has no pixels: it is {width} x {height}.")
    try:
        with _whole_files_only():
            picture.load()
        turn = _UPRIGHT.get(_orientation(picture))
        pixels = _rgb(picture if turn is None else picture.transpose(turn))
    except _BROKEN as error:
        raise NotAnImage(
            f"{what} begins as an image but can't be read to its end ({error}). "
            "It is truncated or broken: copy or download it again."
        ) from error
    return pixels


def _orientation(picture: PIL.Image.Image) -> int:
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except _BROKEN:
        return 1  # broken metadata is no reason to refuse a good picture


def _rgb(picture: PIL.Image.Image) -> Image:
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        return _from_numbers(picture)
    if picture.has_transparency_data:
        return _over_white(np.asarray(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"))


def _from_numbers(picture: PIL.Image.Image) -> Image:
    """Grey pictures of more than 8 bits; Pillow's own conversion cuts them off at 255."""
    values = np.asarray(picture)
    if picture.mode == "F":
        return _from_array(values)
    if values.min() < 0 or values.max() > 65535:
        raise BadArray(
            "A grey image of whole numbers runs from 0 to 65535; received "
            f"{values.min()} to {values.max()}. Scale it to [0, 1] and pass it as a float array."
        )
    return _gray(_eight_bits(values.astype(np.uint16)))


def _from_array(array: np.ndarray) -> Image:
    _check_shape(array.shape)
    pixels = _as_bytes(array)
    if pixels.ndim == 2 or pixels.shape[-1] == 1:
        return _gray(pixels.reshape(array.shape[:2]))
    return _over_white(pixels) if pixels.shape[-1] == 4 else np.array(pixels, order="C")


def _check_shape(shape: tuple[int, ...]) -> None:
    needed = "An image array is (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
    if 0 in shape:
        raise BadArray(f"{needed}, at least one pixel; received {shape}, which is empty.")
    if len(shape) == 2 or (len(shape) == 3 and shape[-1] in (1, 3, 4)):
        return
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        advice = "Its channels come first: use `np.moveaxis(image, 0, -1)`."
    elif len(shape) == 4:
        advice = "That is a batch: pass its images one by one, such as `images[0]`."
    else:
        advice = "Pick the channels or the slice that make one picture."
    raise BadArray(f"{needed}; received {shape}. {advice}")


def _as_bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        if 0 < array.max() <= 255:
            raise BadArray(
                "A uint16 image uses the whole range, 0 to 65535; received a maximum of "
                f"{array.max()}. If these are 8-bit values, use `image.astype(np.uint8)`."
            )
        return _eight_bits(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise BadArray(
            f"An image array is uint8, uint16 or float; received {array.dtype}. {_advice(array)}"
        )
    _check_range(array)
    return np.rint(np.clip(array, 0, 1).astype(np.float32) * 255).astype(np.uint8)


def _advice(array: np.ndarray) -> str:
    if array.dtype == bool:
        return "A mask becomes a picture by `mask.astype(np.uint8) * 255`."
    if np.issubdtype(array.dtype, np.integer):
        return "If its values lie in 0 to 255, use `image.astype(np.uint8)`."
    return "Use `np.asarray(image, dtype=np.uint8)` on what it was made of."


def _check_range(array: np.ndarray) -> None:
    if not np.isfinite(array).all():
        raise BadArray(
            f"A float image is finite; received {np.count_nonzero(~np.isfinite(array))} values "
            "that are NaN or infinite. Replace them, such as by `np.nan_to_num(image)`."
        )
    low, high = float(array.min()), float(array.max())
    if low >= -HALF_A_LEVEL and high <= 1 + HALF_A_LEVEL:
        return
    if low >= 0 and high <= 255:
        advice = "It looks like 0 to 255: use `image.astype(np.uint8)`."
    elif low < 0 and max(-low, high) <= 20:
        advice = (
            "It looks normalised already: pass the photograph itself, or the array to `maps()`."
        )
    else:
        advice = "Scale it first."
    raise BadArray(f"A float image lies in [0, 1]; received {low:.4g} to {high:.4g}. {advice}")


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """65535 becomes 255; nearest level."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _gray(pixels: np.ndarray) -> Image:
    return np.repeat(pixels[..., None], 3, axis=-1)


def _over_white(rgba: np.ndarray) -> Image:
    """Straight alpha over white, nearest level."""
    alpha = rgba[..., 3:].astype(np.uint32)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


@contextlib.contextmanager
def _without_limit() -> Iterator[None]:
    """Pillow's own limit set aside, since ours is checked right after the header is read."""
    with _pillow:
        theirs, PIL.Image.MAX_IMAGE_PIXELS = PIL.Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            PIL.Image.MAX_IMAGE_PIXELS = theirs


@contextlib.contextmanager
def _whole_files_only() -> Iterator[None]:
    """Half a file is an error, even where another library told Pillow to make do with it.

    The lock is held while decoding only in that case, so that threads normally decode side by side.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(_pillow)
        if PIL.ImageFile.LOAD_TRUNCATED_IMAGES:
            PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False
            stack.callback(setattr, PIL.ImageFile, "LOAD_TRUNCATED_IMAGES", True)
            yield
            return
    yield
