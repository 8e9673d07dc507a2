"""A model with its heatmap as one ONNX file, which gives both wherever ONNX runs."""

import json
import os
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from onnx import ModelProto

from xai_heatmap import backends
from xai_heatmap.backends.load import load
from xai_heatmap.backends.loaded import Loaded
from xai_heatmap.backends.onnx_convert import converted
from xai_heatmap.backends.onnx_explainer import Wanted, bare, explainers
from xai_heatmap.backends.onnx_formulas import FORMULAS
from xai_heatmap.backends.onnx_metadata import (
    LABELS,
    LAYERS,
    METHOD,
    PREPROCESS,
    REASON,
    VERSION,
    write,
)
from xai_heatmap.backends.onnx_proof import (
    answers,
    as_taken,
    pictures,
    rounding,
    same_maps,
    same_outputs,
)
from xai_heatmap.backends.onnx_runtime import open_onnx
from xai_heatmap.core.answer import ROW
from xai_heatmap.core.arrays import Inputs
from xai_heatmap.core.errors import BadOption, ModelError, OutputError
from xai_heatmap.core.listed import class_names
from xai_heatmap.core.named import named
from xai_heatmap.core.network import INPUT, Layers, Network, Recording
from xai_heatmap.core.registry import find_method
from xai_heatmap.core.selection import grids, select, several
from xai_heatmap.explaining import maps
from xai_heatmap.preprocess import Preprocess

SAME_GRADIENT = 2e-2
"""As a share of the largest: where a unit is at its kink, one framework opens it, another not."""


def export(
    model: Any,
    path: str | os.PathLike[str],
    *,
    method: str = "gradcam",
    layers: Layers = "auto",
    labels: Sequence[str] | None = None,
    preprocess: str | Preprocess | Mapping[str, object] | None = None,
    image_shape: Sequence[int] | None = None,
) -> Path:
    """Write one ONNX file that answers what the model answers, and its maps beside that.

    The file has the model's own input and outputs; one more input ``class_index``, int64, one for
    all images or one each, -1 for the prediction; and for every layer an output ``cam_0``,
    ``cam_1``, …, float32 (n, *grid), raw. It is tried on random pictures before it is kept: the
    model's own outputs have to be equal to the last bit, the maps to those of Python.

    Parameters
    ----------
    model
        An ONNX file or ``onnx.ModelProto``, a ``torch.nn.Module``, a ``keras.Model``, or text that
        names one as for `xai_heatmap.network`.
    path
        Where the file goes.
    method
        ``gradcam``, ``hirescam``, ``layercam`` or ``eigencam``, each with its default options.
    layers
        As for `compare`, in the model's own names.
    labels, preprocess
        Written into the file; what the model itself says where they are left out.
    image_shape
        (c, H, W), where the model leaves it open; the file takes pictures of this size alone.

    Raises
    ------
    BadOption
        For a method that a file can't hold.
    ModelError
        If the model can't be exported, or the result is not what it should be.
    OutputError
        If the file can't be written. Nothing is left behind.
    """
    target = _checked(path, method)
    given = load(model) if isinstance(model, str | os.PathLike) else model
    network = backends.network(given, image_shape=image_shape)
    shape = tuple(image_shape or network.declared.input_shape or network.layers[INPUT].shape)
    labels, layers = class_names(labels), named(network, layers)
    names = select(network.survey(shape), layers)
    graph = converted(given.model if isinstance(given, Loaded) else given, shape)
    twin = open_onnx(graph, image_shape=shape)
    x = pictures(graph, shape)
    opened = _twins(network, twin, names, x, method=method, all_of_them=not several(layers))
    recorded = twin.record(x)
    if recorded.form != ROW:
        raise BadOption(
            f"A file with maps built in explains one score a class; {network.name} answers "
            f"{'x'.join(map(str, recorded.form.grid))} of them. Export it without maps, and "
            "explain the file with xai_heatmap.explain."
        )
    outputs = recorded.scores.shape[1]
    facts = _facts(network, outputs, method, opened, labels, preprocess, shape)
    layouts = {n: own for n in opened if (own := twin.layers[n].layout) is not None}
    wanted = Wanted(method, layouts, shape, outputs)
    for finished, reason in explainers(graph, wanted):
        if _proven(graph, finished, twin, wanted, x):
            write(finished, facts | {REASON: reason})
            return _written(finished, target)
    raise ModelError(
        f"The model's own outputs would change in their last bits if maps of {opened} were built "
        f"in: onnxruntime then joins other operators. Nothing was written; choose another layer."
    )


def _checked(path: str | os.PathLike[str], method: str) -> Path:
    find_method(method)
    if method not in FORMULAS:
        raise BadOption(
            f"A file can hold {', '.join(FORMULAS)}; {method!r} has no form as a graph yet. "
            f"Export one of these, or use explain(), which takes every method."
        )
    target = Path(path)
    if target.suffix.lower() != ".onnx":
        raise BadOption(f"The file is an ONNX file, name.onnx; received {str(path)!r}.")
    if not target.parent.is_dir():
        raise OutputError(
            f"The file was to go to {str(target.parent)!r}, and there is no such folder. Make it, "
            f"or choose another."
        )
    return target


def _twins(
    network: Network,
    twin: Network,
    names: Sequence[str],
    x: Inputs,
    *,
    method: str,
    all_of_them: bool,
) -> list[str]:
    """The layers of the ONNX graph that say what layers of the model itself say, each once.

    Known by their activation and, where the method needs it, by their gradient: where several
    branches begin, each has a copy of the one, but only its own part of the other.
    """
    if set(names) <= set(twin.layers):
        return list(names)
    recorded, graph = network.record(x, names), twin.record(x, grids(twin.survey(x.shape[1:])))
    if not _close(graph.scores, recorded.scores):
        raise ModelError(
            f"The ONNX graph that was made of {network.name} gives other scores than the model "
            f"itself, so it is not used. Nothing was written; report this to the exporter."
        )
    alike = {
        name: [c for c, value in graph.activations.items() if _close(value, own)]
        for name, own in recorded.activations.items()
    }
    if "gradient" in find_method(method).needs:
        alike = _of_one_gradient(recorded, twin.record(x, list(chain(*alike.values()))), alike)
    absent = [name for name in names if not alike[name]]
    if absent and (all_of_them or len(absent) == len(names)):
        raise ModelError(
            f"Layer {absent[0]!r} is not in the ONNX graph of {network.name}: its exporter joined "
            f"it with others. Choose the layer behind it, or layers='all' for all there are."
        )
    return list(dict.fromkeys(alike[name][0] for name in names if alike[name]))


def _of_one_gradient(
    recorded: Recording, graph: Recording, alike: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Of layers that have one activation, those that have one gradient too."""
    cotangent = np.random.default_rng(1).normal(size=recorded.scores.shape).astype(np.float32)
    own, others = recorded.pullback(cotangent), graph.pullback(cotangent)
    return {
        name: [c for c in candidates if _close(others[c], own[name], within=SAME_GRADIENT)]
        for name, candidates in alike.items()
    }


def _close(one: np.ndarray, other: np.ndarray, *, within: float = 1e-3) -> bool:
    """Whether two arrays are equal up to rounding, as a share of the largest value."""
    scale = float(np.abs(other).max(initial=0))
    return one.shape == other.shape and bool(np.abs(one - other).max(initial=0) <= within * scale)


def _proven(
    graph: ModelProto, finished: ModelProto, twin: Network, wanted: Wanted, x: Inputs
) -> bool:
    """Whether the file's answers are the model's own to the last bit; its maps are Python's."""
    inputs = np.moveaxis(x, 1, -1) if twin.channels_last else x
    native = as_taken(graph, inputs)
    alone = answers(bare(graph), native)
    for target in (None, max(wanted.classes, 2) // 2):
        found = answers(finished, native, [-1 if target is None else target])
        if not same_outputs(found, alone):
            return False
        names = list(wanted.opened)
        expected = maps(twin, inputs, method=wanted.method, layer=names, target=target)
        same_maps(found, [expected[name] for name in names], _floors(twin, wanted, x, target))
    return True


def _floors(
    twin: Network, wanted: Wanted, x: Inputs, target: int | None
) -> list[Float32[np.ndarray, " n"]]:
    """Below which values of each layer's maps are nothing but rounding, for every picture."""
    names = list(wanted.opened)
    if "gradient" not in find_method(wanted.method).needs:
        return [np.zeros(len(x), np.float32) for _ in names]
    recording = twin.record(x, names)
    scores = recording.scores
    index = scores.argmax(axis=1) if target is None else np.full(len(x), target)
    cotangent = np.eye(max(wanted.classes, 2), dtype=np.float32)[index][:, -wanted.classes :]
    gradients = recording.pullback(cotangent)
    return [rounding(recording.activations[name], gradients[name]) for name in names]


def _facts(
    network: Network,
    outputs: int,
    method: str,
    opened: Sequence[str],
    labels: Sequence[str] | None,
    preprocess: str | Preprocess | Mapping[str, object] | None,
    shape: Sequence[int],
) -> dict[str, str]:
    """What is written into the file's metadata."""
    names = list(labels or network.declared.labels or ())
    if labels and len(names) != max(outputs, 2 if outputs == 1 else 1):
        raise BadOption(
            f"{len(names)} labels were given for {outputs} classes. Give one for each, in output "
            f"order."
        )
    facts = {VERSION: _version(), METHOD: method, LAYERS: json.dumps(list(opened))}
    if names:
        facts[LABELS] = json.dumps(names, ensure_ascii=False)
    if (said := _preprocessing(preprocess or network.declared.preprocess, shape)) is not None:
        facts[PREPROCESS] = json.dumps(said)
    return facts


def _preprocessing(
    said: str | Preprocess | Mapping[str, object] | None, shape: Sequence[int]
) -> dict[str, object] | None:
    if said is None or isinstance(said, Preprocess):
        return said and said.to_dict()
    size = {"input_size": list(shape[1:]), "channels": shape[0]}
    own = {"mode": said} if isinstance(said, str) else dict(said)
    return Preprocess.from_dict(size | own).to_dict()


def _version() -> str:
    try:
        return version("xai-heatmap")
    except PackageNotFoundError:
        return "unknown"


def _written(model: Any, target: Path) -> Path:
    """All of the file, or nothing."""
    try:
        content = model.SerializeToString()
    except Exception as error:
        raise ModelError(
            "The model with its maps is larger than the 2 GB that one ONNX file may have. Nothing "
            "was written."
        ) from error
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(
            f"{str(target)!r} can't be written: {error.strerror}. Choose another place."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return target
