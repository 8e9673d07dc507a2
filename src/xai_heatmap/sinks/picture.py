"""One picture or one page as one file, whole or not at all."""

import contextlib
from pathlib import Path

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import OutputError
from xai_heatmap.sinks.identity import IDENTITY, METADATA, free, identity_in
from xai_heatmap.sinks.png import said, write_png
from xai_heatmap.sinks.staging import Write, alone, renamed, staged


def save_picture(path: Path, picture: Image, *, identity: str = "") -> Path:
    """Write `picture` as PNG; its folder is made if it is not there.

    Parameters
    ----------
    identity
        Of what the picture shows. A file is replaced only by a picture of the same identity; any
        other gets a number: ``sheet-2.png``. Without an identity the path says what it is.

    Returns
    -------
    The file that was written.

    Raises
    ------
    OutputError
        Where that is not possible; what stood there before stays.
    """
    told = [said(METADATA, f'{{"{IDENTITY}": "{identity}"}}')] if identity else []
    return _saved(path, lambda file: write_png(file, picture, told), identity=identity)


def save_text(path: Path, text: str) -> Path:
    """Write `text` in UTF-8; as `save_picture`."""
    return _saved(path, lambda file: file.write(text.encode()))


def _saved(path: Path, write: Write, *, identity: str = "") -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as tidy, contextlib.ExitStack() as undo:
            tidy.enter_context(alone(path.parent))
            if identity:
                path = _free(path, identity)
            renamed(staged({path: write}, tidy), tidy, undo)
            undo.pop_all()
    except OSError as error:
        raise OutputError(
            f"{path.name!r} can't be saved in {str(path.parent)!r}: {error.strerror or error}. "
            "Choose another folder, or free some space. Nothing was written."
        ) from error
    return path


def _free(path: Path, identity: str) -> Path:
    """Free path for a picture: the one given, or one with a number where another picture has it."""

    def named(stem: str) -> Path:
        return path.with_name(f"{stem}{path.suffix}")

    return named(free(path.stem, lambda stem: identity_in(named(stem)), identity))
