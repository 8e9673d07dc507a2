"""Pillow, kept to the formats and the manners that are wanted here."""

import contextlib
import threading
from collections.abc import Iterator
from io import BufferedReader, BytesIO

import PIL
import PIL.Image
import PIL.ImageFile

USUAL = ("PNG", "JPEG", "GIF", "BMP", "PPM")
OTHERS = ("WEBP", "TIFF", "AVIF", "JPEG2000")
"""Formats that are read, and no others: some that Pillow knows start another program."""

_pillow = threading.Lock()


def identified(file: BufferedReader | BytesIO) -> PIL.Image.Image:
    """The picture by the formats that are read; the rarer ones are loaded where they are needed."""
    with _without_limit():
        try:
            return PIL.Image.open(file, formats=USUAL)
        except PIL.UnidentifiedImageError:
            PIL.Image.init()
            known = [name for name in OTHERS if name in PIL.Image.OPEN]
            return PIL.Image.open(file, formats=known)


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
def whole_files_only() -> Iterator[None]:
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
