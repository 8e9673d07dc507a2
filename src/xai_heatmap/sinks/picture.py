"""One picture as one PNG file, whole or not at all."""

import contextlib
import os
import secrets
from pathlib import Path

import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import OutputError


def save_picture(path: Path, picture: Image) -> Path:
    """Write `picture`; the folder has to exist.

    Raises
    ------
    OutputError
        Where that is not possible; what stood there before stays.
    """
    staged = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with staged.open("xb") as file:
            PIL.Image.fromarray(picture).save(file, format="png")
            file.flush()
            os.fsync(file.fileno())
        staged.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path.name!r} can't be saved in {str(path.parent)!r}: {error.strerror or error}. "
            "Choose another folder, or free some space. Nothing was written."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
    return path
