"""One picture or one page as one file, whole or not at all."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from xai_heatmap.core.arrays import Image
from xai_heatmap.core.errors import OutputError
from xai_heatmap.sinks.identity import IDENTITY, METADATA, free, identity_in
from xai_heatmap.sinks.png import said, write_png
from xai_heatmap.sinks.refused import advice, reason
from xai_heatmap.sinks.staging import Write, alone, made, renamed, staged


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


def save_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder by their names, all or none of them; as `save_picture`."""
    with _said(folder.name, folder.parent):
        _placed({folder / name: _writing(content) for name, content in files.items()}, folder)
    return folder


def _writing(content: bytes) -> Write:
    return lambda file: file.write(content)


def _placed(files: Mapping[Path, Write], folder: Path, *, identity: str = "") -> Path:
    """Files that are all whole or not there; the path of the last one."""
    with contextlib.ExitStack() as tidy, contextlib.ExitStack() as undo:
        made(folder, tidy)
        tidy.enter_context(alone(folder))
        if identity:
            files = {_free(path, identity): write for path, write in files.items()}
        renamed(staged(files, tidy), tidy, undo)
        undo.pop_all()
    return list(files)[-1]


def _saved(path: Path, write: Write, *, identity: str = "") -> Path:
    with _said(path.name, path.parent):
        return _placed({path: write}, path.parent, identity=identity)


@contextlib.contextmanager
def _said(name: str, folder: Path) -> Iterator[None]:
    """What the system refuses in words of the package."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{name!r} can't be saved in {str(folder)!r}: {reason(error)}. {advice(error)} "
            "Nothing was written."
        ) from error


def _free(path: Path, identity: str) -> Path:
    """Free path for a picture: the one given, or one with a number where another picture has it."""

    def named(stem: str) -> Path:
        return path.with_name(f"{stem}{path.suffix}")

    return named(free(path.stem, lambda stem: identity_in(named(stem)), identity))
