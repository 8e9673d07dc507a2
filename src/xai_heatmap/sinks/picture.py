"""One picture or one page as one file, whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import PIL.Image

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import OutputError


def save_picture(path: Path, picture: Image) -> Path:
    """Write `picture` as PNG; its folder is made if it is not there.

    Raises
    ------
    OutputError
        Where that is not possible; what stood there before stays.
    """
    return _saved(path, lambda file: PIL.Image.fromarray(picture).save(file, format="png"))


def save_text(path: Path, text: str) -> Path:
    """Write `text` in UTF-8; as `save_picture`."""
    return _saved(path, lambda file: file.write(text.encode()))


def _saved(path: Path, write: Callable[[BinaryIO], object]) -> Path:
    staged = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with staged.open("xb") as file:
            write(file)
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
