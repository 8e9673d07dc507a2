"""A model with its heatmaps as a folder of files, which any web server hands out."""

import os
from collections.abc import Callable
from pathlib import Path

from xai_heatmap.core.errors import BadOption, OutputError
from xai_heatmap.exporting.page import files_of, is_page, parts
from xai_heatmap.render.viewer import network_site
from xai_heatmap.sinks.picture import save_files
from xai_heatmap.sinks.refused import check_folder
from xai_heatmap.sources.files import check_apart

INDEX, GRAPH, SCRIPT, WASM = "index.html", "model.onnx", "ort.js", "ort.wasm"
NAMES = (INDEX, GRAPH, SCRIPT, WASM)
"""Files of the folder."""

OWN = '<meta name="generator" content="xai-heatmap">'
"""What an `INDEX` holds that may be written over."""


def write_site(
    written: Callable[[Path], Path],
    path: str | os.PathLike[str],
    *,
    model: object,
    as_is: bool = True,
    runtime: str | os.PathLike[str] | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Path:
    """Write a folder with a page, the ONNX file that `written` makes, and the runtime beside it.

    Parameters
    ----------
    written, model, as_is, runtime, say
        As for `page.write_page`.
    path
        The folder, made where it is not there. Other files in it stay.

    Raises
    ------
    BadOption
        For a model that takes no photographs, and one that nobody says how to prepare pictures for.
    OutputError
        If the files can't be written, if the folder holds somebody else's `INDEX`, or if there is
        no runtime.
    """
    folder = Path(path).absolute()
    _check_folder(folder)
    for name in NAMES:
        check_apart(folder / name, files_of(model), "The model is")
    own = parts(written, model, as_is=as_is, runtime=runtime, most=None, say=say)
    say("writing the folder")
    beside = {
        "runtime": (SCRIPT, own.runtime.script),
        "wasm": (WASM, own.runtime.wasm),
        "graph": (GRAPH, own.graph),
    }
    listed = {part: {"url": name, "bytes": len(held)} for part, (name, held) in beside.items()}
    index = network_site(f"{own.name} · xai-heatmap", own.facts | {"files": listed})
    save_files(folder, {**dict(beside.values()), INDEX: index.encode()})
    return Path(path)


def _check_folder(folder: Path) -> None:
    if is_page(folder) or folder.suffix.lower() == ".onnx":
        raise BadOption(
            f"For static hosting a folder is written, with {INDEX} and its files; received "
            f"{folder.name!r}. Name a folder, or leave web out (on the command line: export html "
            f"writes one page)."
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(
            f"{str(folder)!r} is a file, and the page with the files beside it goes into a folder. "
            f"Name another one."
        )
    check_folder(folder)
    index = folder / INDEX
    if index.exists() and OWN not in index.read_text("utf-8", errors="replace"):
        raise OutputError(
            f"{str(folder)!r} holds another {INDEX}, which would be lost. Name another folder, or "
            f"remove that file."
        )
