"""A model with its heatmaps as one page, which runs in any browser and asks nobody for anything."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, helper
from onnx import load_model_from_string as loaded

import xai_heatmap.methods  # noqa: F401 - registers every method
from xai_heatmap.core.errors import BadOption
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.resampling import columns_first
from xai_heatmap.core.version import installed_version
from xai_heatmap.exporting.explainer import bare
from xai_heatmap.exporting.runtime import Runtime
from xai_heatmap.exporting.runtime import runtime as runtime_of
from xai_heatmap.exporting.saving import check_folder_of
from xai_heatmap.networks.loading.loaded import Loaded
from xai_heatmap.networks.onnx.branch import AGAINST, MAPS
from xai_heatmap.networks.onnx.graph import source
from xai_heatmap.networks.onnx.metadata import (
    CLASSES,
    EXTENTS,
    IMAGES,
    LABELS,
    LAYERS,
    METHOD,
    PREPROCESS,
    metadata,
)
from xai_heatmap.networks.onnx.output import closing
from xai_heatmap.networks.onnx.runtime import open_onnx
from xai_heatmap.render.viewer import network_page
from xai_heatmap.sinks.picture import save_text
from xai_heatmap.sources.files import check_apart
from xai_heatmap.sources.preprocess import Preprocess

ENDINGS = (".html", ".htm")
"""Endings of a page's name."""

LARGEST = 40_000_000
"""Bytes of a graph with its maps, beyond which a page is no good place for it."""

ANSWERS = {"Softmax": "softmax", "LogSoftmax": "log-softmax", "Sigmoid": "sigmoid"}
"""What scores are behind each closing operator; logits without one."""


def is_page(path: str | os.PathLike[str]) -> bool:
    """Whether a page is asked for rather than an ONNX file."""
    return Path(path).suffix.lower() in ENDINGS


def write_page(
    written: Callable[[Path], Path],
    path: str | os.PathLike[str],
    *,
    model: object,
    as_is: bool = True,
    runtime: str | os.PathLike[str] | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Path:
    """Write a page with the ONNX file that `written` makes, and the runtime that runs it.

    Parameters
    ----------
    written
        Writes the graph with its maps to the path that it is called with.
    path
        Where the page goes.
    model
        What is exported: its size is looked at before, and its name stands on the page.
    as_is
        Whether a picture of the input's own size goes in as it is, as where nobody said its fit.
    runtime
        As for `runtime.runtime`.
    say
        Called with a few words before each step.

    Raises
    ------
    BadOption
        For a model of more than 40 MB, one that takes no photographs, and one that nobody says
        how to prepare pictures for.
    OutputError
        If the page can't be written, or there is no runtime.
    """
    target = Path(path).absolute()
    check_folder_of(target, "page")
    check_apart(target, files_of(model), "The model is")
    own = parts(written, model, as_is=as_is, runtime=runtime, most=LARGEST, say=say)
    say("writing the page")
    text = network_page(
        f"{own.name} · xai-heatmap", own.facts,
        runtime=own.runtime.script, wasm=own.runtime.wasm, graph=own.graph,
    )  # fmt: skip
    save_text(target, text)
    return Path(path)


@dataclass(frozen=True)
class Parts:
    """What a page is made of: the network's name, what is known of it, its graph and a runtime."""

    name: str
    facts: dict[str, Any]
    graph: bytes
    runtime: Runtime


def parts(
    written: Callable[[Path], Path],
    model: object,
    *,
    as_is: bool,
    runtime: str | os.PathLike[str] | None,
    most: int | None,
    say: Callable[[str], object],
) -> Parts:
    """The parts of a page; as for `write_page`, and at most `most` bytes of graph."""
    name = _name(model)
    for file in files_of(model):
        if file.suffix.lower() == ".onnx" and file.is_file():
            _check_size(file.stat().st_size, most, name)
    carried = runtime_of(runtime, say=say)
    with tempfile.TemporaryDirectory(prefix="xai-heatmap-") as folder:
        content = written(Path(folder) / "explainer.onnx").read_bytes()
    _check_size(len(content), most, name)
    return Parts(name, page_facts(loaded(content), name=name, as_is=as_is), content, carried)


def files_of(model: object) -> Sequence[Path]:
    """Files that the model is read from, as far as that is known."""
    if isinstance(model, Loaded):
        return model.files
    return [Path(model)] if isinstance(model, str | os.PathLike) else []


def _name(model: object) -> str:
    """Name that stands on the page: of the file, of the graph, of the class."""
    if files := files_of(model):
        return files[0].name
    inner = model.model if isinstance(model, Loaded) else model
    if isinstance(inner, ModelProto):
        return inner.graph.name or "model"
    return str(getattr(inner, "name", "") or type(inner).__name__)


def _check_size(size: int, most: int | None, name: str) -> None:
    if most is not None and size > most:
        raise BadOption(
            f"{name} has {size / 1e6:.0f} MB, and a page carries a model of at most "
            f"{most / 1e6:.0f} MB. Write a folder that any web server hands out: xai-heatmap "
            f"export web {name} FOLDER, in Python web=True; or look at it with xai-heatmap serve."
        )


def page_facts(model: ModelProto, *, name: str, as_is: bool = True) -> dict[str, Any]:
    """What the page has to know of an exported file, in plain values.

    A browser's session can't read the metadata of a file; here they stand beside it, as the
    interface ``Facts`` of ``ui/src/backend/local.ts``.
    """
    said = metadata(model)
    how = _prepared(said, name)
    shape = (how.channels or 3, *(how.input_size or (224, 224)))
    own = bare(model)
    given = source(own, image_shape=shape)
    _check_input(model, given.picture.name, said, name)
    layers = list(json.loads(said[LAYERS]))
    method = find_method(said[METHOD])
    labels = json.loads(said[LABELS]) if LABELS in said else None
    closed = closing(own, given.answer)
    maps = [f"{MAPS}{k}" for k in range(len(layers))]
    extents = json.loads(said[EXTENTS]) if EXTENTS in said else [None] * len(layers)
    shown = [
        _layer(each, _grid(model, map_)) | {"extent": extent}
        for each, map_, extent in zip(layers, maps, extents, strict=True)
    ]
    last = bool(open_onnx(own, image_shape=shape).channels_last)
    return {
        "version": installed_version(),
        "title": name,
        "model": {"name": name, "backend": "ONNX, in this page", "task": "classes"},
        "layers": shown,
        "method": {"name": method.name, "title": method.name, "at": "layer", "dear": False,
                   "sighted": method.directed, "cost": method.cost, "options": None,
                   "signed": method.signed},
        "labels": labels,
        "classes": int(said[CLASSES].rpartition("..")[2]) + 1,
        "answers": ANSWERS[closed.op_type] if closed is not None else "logits",
        "network": {"input": given.picture.name, "scores": given.answer, "maps": maps,
                    "contrasts": any(value.name == AGAINST for value in model.graph.input),
                    "shape": [*shape[1:], shape[0]] if last else list(shape)},
        "how": plain_how(how, channels_last=last, as_is=as_is),
    }  # fmt: skip


def _prepared(said: Mapping[str, str], name: str) -> Preprocess:
    if PREPROCESS not in said:
        raise BadOption(
            f"A page prepares pictures by itself, and nobody says how {name} takes them. Say "
            f"preprocess, on the command line --preprocess: one of imagenet, torch, tf, caffe, "
            f"unit or raw, in Python also xh.Preprocess(...)."
        )
    return Preprocess.from_dict(json.loads(said[PREPROCESS]))


def _check_input(model: ModelProto, picture: str, said: Mapping[str, str], name: str) -> None:
    value = next(value for value in model.graph.input if value.name == picture)
    kind = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
    if kind != np.dtype(np.float32):
        raise BadOption(
            f"A page gives pictures as float32, and {name} takes {kind}. Look at it with "
            f"xai-heatmap serve, or export an ONNX file."
        )
    if said[IMAGES] not in ("any", "1", "one"):
        raise BadOption(
            f"A page shows one picture at a time, and {name} takes exactly {said[IMAGES]}. Export "
            f"the model with a batch that is open, or of one."
        )


def _grid(model: ModelProto, output: str) -> list[int]:
    value = next(value for value in model.graph.output if value.name == output)
    return [dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]]


def _layer(name: str, grid: list[int]) -> dict[str, object]:
    return {
        "name": name,
        "short": name.strip("/").replace("/", ".").rpartition(".")[2] or name,
        "operation": "",
        "stage": "x".join(map(str, grid)) if all(grid) else "",
        "shape": grid,
        "explainable": True,
        "reason": None,
        "auto": False,
    }


def plain_how(own: Preprocess, *, channels_last: bool, as_is: bool = False) -> dict[str, object]:
    """Preprocessing as ``ui/src/local/prepare.ts`` does it, with nothing left to be looked up."""
    divisor, mean, std, order, border = own.scaling
    return {
        "size": list(own.input_size or (224, 224)), "channels": own.channels, "fit": own.fit,
        "ratio": own.ratio, "resampling": own.resampling, "half": own.half, "divisor": divisor,
        "mean": list(mean), "std": list(std), "reversed": order == "BGR", "border": border,
        "last": channels_last, "as_is": as_is, "tall": columns_first(),
    }  # fmt: skip
