"""Numbers as the pixels of a picture: which of them is white, and what is transparent."""

import numpy as np

from xai_heatmap.core.arrays import Deep, Image
from xai_heatmap.core.counted import counted
from xai_heatmap.core.errors import BadArray, BadOption

HALF_A_LEVEL = 0.5 / 255
"""Largest distance of a float from [0, 1]: rounding to 8 bits hides so much."""

NOTHING = 1e-3
"""Part of a level that floats of 8 bits are off by at most; what is off by more has more bits."""

DEEP = 65535
"""The highest value of 16 bits."""

FEW = 8
"""A picture of 16 bits that uses less than one part in so many of their range gets a remark."""


LOWEST = 2
"""Level of 8 bits below which a picture that has no others is remarked on: black, and 1."""


def of_array(array: np.ndarray, *, white: int | float | None = None) -> tuple[Image, str]:
    """The picture that an array is, and what should be said of it.

    Parameters
    ----------
    array
        (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
    white
        The value that is white; not said, the highest of the type, of floats 1.
    """
    if array.dtype.byteorder not in "=|":
        array = array.astype(array.dtype.newbyteorder("="))
    _check_shape(array.shape)
    pixels = _as_bytes(array, white)
    levels = {"uint16": DEEP, "uint8": 0}.get(array.dtype.name)
    said = "" if levels is None else remark(array, white=white, levels=levels)
    if pixels.ndim == 2 or pixels.shape[-1] == 1:
        return gray(pixels.reshape(array.shape[:2])), said
    return over_white(pixels) if pixels.shape[-1] == 4 else np.array(pixels, order="C"), said


def unrounded(array: np.ndarray, *, white: int | float | None = None) -> Deep | None:
    """The picture that an array is, in 0 to 255 as `of_array` has it but not rounded to whole
    levels; None where 8 bits hold all of it.

    Parameters
    ----------
    array, white
        As `of_array` takes them, and has found them to be a picture.
    """
    if array.dtype == np.uint8 and white is None:
        return None
    highest = DEEP if array.dtype.kind in "iu" else 1.0
    values = array.reshape(*array.shape[:2], -1).astype(np.float64)
    found = np.clip(values / (highest if white is None else white), 0, 1) * 255
    if found.shape[-1] == 4:
        top = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1.0
        alpha = np.clip(values[..., 3:] / top, 0, 1)
        found = found[..., :3] * alpha + 255 * (1 - alpha)
    return found.astype(np.float32) if np.abs(found - np.rint(found)).max() > NOTHING else None


def remark(values: np.ndarray, *, white: int | float | None, levels: int = DEEP) -> str:
    """Remark on a picture that hardly uses the range of its bits; empty for any other.

    Parameters
    ----------
    values
        Of the picture.
    white
        As the user said it.
    levels
        What 65535 became in these values; 0 of a picture of 8 bits.
    """
    if not levels:
        return _of_bytes(values, white)
    highest = int(values.max())
    if white is not None or not highest or FEW * highest >= levels:
        return ""
    deep = round(highest * DEEP / levels)
    full = 2 ** deep.bit_length() - 1
    return (
        f"The picture has 16 bits and uses {100 * deep / DEEP:.2g} % of their range: its highest "
        f"value is {deep} of {DEEP}, so the network saw it nearly black. If {full} is white, say "
        f"white={full} (on the command line: --white {full}); white={DEEP} says that it is right."
    )


def _of_bytes(pixels: np.ndarray, white: int | float | None) -> str:
    """Remark on a picture of 8 bits that has 0 and 1 alone, as a mask has; empty for any other."""
    highest = int(pixels[..., :3].max()) if pixels.ndim == 3 else int(pixels.max())
    if white is not None or not 0 < highest < LOWEST:
        return ""
    return (
        f"The picture has 8 bits, of 0 to 255, and its highest value is {highest}, so the network "
        f"saw it nearly black. If {highest} is white, say white={highest} (on the command line: "
        f"--white {highest}); white=255 says that it is right."
    )


def eight_bits(values: np.ndarray, white: int | float | None = None) -> np.ndarray:
    """Values scaled so that white becomes 255, cut off beyond, and rounded to whole levels."""
    if white is None:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    check_white(white)
    return np.rint(np.clip(values.astype(np.float64) / white, 0, 1) * 255).astype(np.uint8)


def check_white(white: int | float) -> None:
    """Check that a value can be white: above 0, and finite."""
    if not 0 < white < float("inf"):
        raise BadOption(
            f"white is the value that is white, above 0, such as 4095 of 12 bits; received {white}."
        )


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


def _as_bytes(array: np.ndarray, white: int | float | None) -> np.ndarray:
    real = np.issubdtype(array.dtype, np.integer) or np.issubdtype(array.dtype, np.floating)
    if white is not None and real:
        return _whitened(array, white)
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        if 0 < array.max() <= 255:
            raise BadArray(
                "A uint16 image uses the whole range, 0 to 65535; received a maximum of "
                f"{array.max()}. If these are 8-bit values, use `image.astype(np.uint8)`."
            )
        return eight_bits(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise BadArray(
            f"An image array is uint8, uint16 or float; received {array.dtype}. {_advice(array)}"
        )
    _check_range(array)
    return np.rint(np.clip(array, 0, 1).astype(np.float32) * 255).astype(np.uint8)


def _whitened(array: np.ndarray, white: int | float) -> np.ndarray:
    """Pixels of an array of any numbers from 0, with alpha as the array's type has it."""
    if not np.isfinite(array).all() or array.min() < 0:
        raise BadArray(
            f"white={white:g} scales values from 0 on; received {array.min()} to {array.max()}. "
            "A scan becomes a picture by its window: `np.clip((scan - low) / (high - low), 0, 1)`."
        )
    scaled = eight_bits(array, white)
    if array.ndim == 3 and array.shape[-1] == 4:
        top = np.iinfo(array.dtype).max if np.issubdtype(array.dtype, np.integer) else 1.0
        scaled[..., 3] = eight_bits(array[..., 3], float(top))
    return scaled


def _advice(array: np.ndarray) -> str:
    if array.dtype == bool:
        return "A mask becomes a picture by `mask.astype(np.uint8) * 255`."
    if np.issubdtype(array.dtype, np.integer):
        return (
            "If its values lie in 0 to 255, use `image.astype(np.uint8)`; else say which value is "
            "white: white=4095."
        )
    return "Use `np.asarray(image, dtype=np.uint8)` on what it was made of."


def _check_range(array: np.ndarray) -> None:
    if bad := int(np.count_nonzero(~np.isfinite(array))):
        raise BadArray(
            "A float image is finite; received "
            f"{counted(bad, 'value that is NaN', 'values that are NaN')} or "
            "infinite. Replace them, such as by `np.nan_to_num(image)`."
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


def gray(pixels: np.ndarray) -> Image:
    """One channel as three equal ones."""
    return np.repeat(pixels[..., None], 3, axis=-1)


def over_white(rgba: np.ndarray) -> Image:
    """Straight alpha over white, nearest level."""
    alpha = rgba[..., 3:].astype(np.uint32)
    return ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
